// SPDX-License-Identifier: MIT
/// What batch, layer and group normalization share.
#pragma once

#include "core/tensor.h"

namespace salu {

/// Parameter gradients of a normalization; null: not wanted.
struct NormSums {
  Tensor* gamma = nullptr;
  Tensor* beta = nullptr;
};

/// What a backward reads: one mean and one r = 1/sqrt(variance + eps) per channel, row or group.
struct NormStatistics {
  Tensor mean;
  Tensor rstd;
};

struct NormResult {
  Tensor y;
  NormStatistics saved;
};

/// Throws unless `t` holds one number of x's dtype for each channel of x (...,C).
inline void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_shape(op, name, t, {x.dim(-1)});
  check(t.dtype() == x.dtype(), "[{}] expected {} {}, got {}", op, name, dtype_name(x.dtype()),
        dtype_name(t.dtype()));
}

}  // namespace salu
