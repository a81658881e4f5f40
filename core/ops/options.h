// SPDX-License-Identifier: MIT
/// Options that ops, layers and programs share.
#pragma once

#include <cstdint>

namespace salu {

/// Parametrization of a SALU curve: how a checkpoint's unconstrained alpha and beta give a, b > 0.
enum class Positive {
  exp,       ///< a = e^alpha, b = e^beta (default)
  softplus,  ///< a = ln(1 + e^alpha), b = ln(1 + e^beta)
  log_sw,    ///< S = e^alpha, W = e^beta; a = S/W, b = 1/(S W): amplitude and width decoupled
};

/// a and b of one curve, as `positive` stores them. T is a number, a pointer to one, or a Tensor or Variable
/// of one element.
template <class T>
struct Coefficients {
  T a, b;
  Positive positive = Positive::exp;
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
