// SPDX-License-Identifier: MIT
/// Row-major matrix product on the calling thread, the building block of matmul, linear, attention and
/// im2col.
#pragma once

#include <cstdint>

namespace salu {

/// C (M,N) = alpha op(A) op(B) + beta C, op(X) = X or its transpose; lda, ldb, ldc are the row lengths in
/// memory of A, B and C as stored. Runs on one thread: callers split M over parallel_for, so the sum over K
/// is never split and the result does not depend on the thread count. f32 goes to oneDNN, f64 is a plain
/// loop.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
          const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

}  // namespace salu
