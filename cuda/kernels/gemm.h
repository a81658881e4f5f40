// SPDX-License-Identifier: MIT
/// Row-major matrix products of the hand-written kernels, and the ladder they stand on.
#pragma once

#include <cstdint>

namespace salu::cuda {

/// Implementations of the matrix product. Every rung gives the same sums up to rounding, for every size. All
/// but the first split long sums over several blocks and add the parts in a fixed order.
enum class GemmRung {
  automatic,     ///< the highest rung for the dtype: 3 for bf16, 2 for f32
  naive,         ///< rung 0: a thread per output reads a row of A and a column of B; for conv2d, plain loops
  shared_tiles,  ///< rung 1: 16x16 outputs per block share what they read
  register_tiles,  ///< rung 2: 8x8 outputs per thread, so a value read once is used eight times
  tensor_cores,    ///< rung 3: bf16 on tensor cores; f32 stays on rung 2, as TF32 has 10 bits of mantissa
};

/// Sets the rung of all products that do not name one, including convolutions.
void set_gemm_rung(GemmRung rung);
GemmRung gemm_rung();

/// A matrix in memory, `pitch` elements from one row to the next. Transposed: op(X) = X^T.
template <class T>
struct Factor {
  const T* data;
  std::int64_t pitch;
  bool transposed = false;
};

/// C (M,N) = alpha op(A) op(B) + bias + beta C, with op(A) (M,K), op(B) (K,N); bias (N) is added to every
/// row. beta = 0 does not read C.
template <class T, class Out>
struct GemmCall {
  std::int64_t m, n, k;
  Factor<T> a, b;
  Out* c;
  std::int64_t c_pitch;
  float alpha = 1, beta = 0;
  const float* bias = nullptr;  ///< null: none
};

/// Queues the product; sums are f32. For (T, Out) = (float, float), (bf16, bf16), and (bf16, float) for
/// gradients of weights.
template <class T, class Out>
void gemm(const GemmCall<T, Out>& call, GemmRung rung = gemm_rung());

}  // namespace salu::cuda
