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

/// Throws unless `t` holds one number for each channel of x (...,C), in the dtype of x's parameters.
void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x);

/// Throws unless the arguments of a backward fit x (...,C), `statistics` being the shape of a saved tensor.
void check_norm_backward(const char* op, const Tensor& x, const Tensor& gamma, const NormStatistics& saved,
                         const Shape& statistics, NormSums sums);

}  // namespace salu
