// SPDX-License-Identifier: MIT
/// Fill and conversion of device tensors, for Tensor itself (core/backend.h).
#pragma once

#include "core/tensor.h"

namespace salu::cuda {

void fill(Tensor& t, double value);
void convert(Tensor& to, const Tensor& from);  ///< same shape; rounds to nearest even for bf16

}  // namespace salu::cuda
