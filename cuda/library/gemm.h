// SPDX-License-Identifier: MIT
/// Matrix products through cuBLASLt: f32 and bf16 with f32 sums. The first call for a shape asks the
/// heuristics, which is not allowed while a gpu::Graph is recorded.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace salu::cuda {

/// Row-major C (M,N) = op(A) op(B) + bias, or += without bias; all matrices contiguous.
struct Product {
  bool transpose_a = false, transpose_b = false;  ///< A is stored as (K,M), B as (N,K)
  std::int64_t m = 0, n = 0, k = 0;
  DType input = DType::f32, output = DType::f32;  ///< (f32, f32), (bf16, bf16) or (bf16, f32)
  bool add = false;                               ///< += instead of =
};
/// `bias` has N elements of the output's type (cuBLASLt supports no other), or is null.
void library_product(const Product& product, const void* a, const void* b, void* c,
                     const void* bias = nullptr);

/// The passes of linear in core/ops/products.h. For bf16 activations, an f32 bias is rounded to bf16 first.
void library_linear_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b);
void library_linear_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w);
void library_linear_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x);

/// The passes of matmul in core/ops/products.h.
void library_matmul_forward(Tensor& y, const Tensor& a, const Tensor& b);
void library_matmul_backward_a(Tensor& da, const Tensor& dy, const Tensor& b);
void library_matmul_backward_b(Tensor& db, const Tensor& dy, const Tensor& a);

}  // namespace salu::cuda
