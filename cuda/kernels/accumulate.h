// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor.h"

namespace salu::cuda {

/// sum += part, elementwise; sum is f32, part f32 or bf16 with the same number of elements.
void accumulate(Tensor& sum, const Tensor& part);

}  // namespace salu::cuda
