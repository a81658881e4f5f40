// SPDX-License-Identifier: MIT
/// Options that ops, layers and programs share.
#pragma once

#include <cstdint>

namespace salu {

/// How a positive pair (a, b) is stored as two free parameters (p, q).
enum class Positive {
  exp,       ///< a = e^p, b = e^q (default)
  softplus,  ///< a = ln(1 + e^p), b = ln(1 + e^q)
  log_sw,    ///< S = e^p, W = e^q; a = S/W, b = 1/(S W): amplitude and width decoupled
};

enum class GeluKind { erf, tanh };

struct Conv2dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< zeros on every side
};

struct Pool2dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;
};

}  // namespace salu
