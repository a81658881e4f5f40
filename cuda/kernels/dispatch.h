// SPDX-License-Identifier: MIT
/// Element types of the kernels.
#pragma once

#include "core/dtype.h"

namespace salu::cuda {

/// Calls `body.template operator()<T>()` with T = float or bf16, the activation types of a GPU.
template <class Body>
void dispatch_activation(const char* op, DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::bf16:
      return body.template operator()<bf16>();
    default:
      fail_dtype(op, "f32 or bf16 on cuda", dtype);
  }
}

}  // namespace salu::cuda
