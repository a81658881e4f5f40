// SPDX-License-Identifier: MIT
/// When is a result in bf16, or one of the CUDA backend, right?
#pragma once

#include "tests/op_run.h"

namespace salu::test {

/// f32, forward and backward: may err twice as much as plain f32 does on the CPU, against f64. Tensors begin
/// `start` elements into their storage.
void check_f32(const OpSample& sample, Device device, std::int64_t start = 1);
/// bf16 against f64 on the same rounded inputs.
void check_bf16(const OpSample& sample, Device device, std::int64_t start = 1);

}  // namespace salu::test
