// SPDX-License-Identifier: MIT
/// Row-major matrix product on the calling thread, the building block of matmul, linear, attention and
/// im2col.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"

namespace salu {

/// C (M,N) = alpha op(A) op(B) + beta C, op(X) = X or its transpose; lda, ldb, ldc are the row lengths in
/// memory of A, B and C as stored. Runs on one thread: callers split M over parallel_for, so the sum over K
/// is never split and the result does not depend on the thread count. f32 goes to oneDNN, f64 is a plain
/// loop.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
          const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// Rows of C per task. Each task packs op(B) anew: tasks of 64 rows run at some 85 % of the speed of the
/// undivided product, tasks of 8 rows at 15 to 45 %. Tasks have 64 rows unless that leaves fewer than four.
/// There are at most 32 tasks, each of a million multiply-adds (some 20 us) or more. The grain depends on the
/// shape alone, so results do not depend on the thread count.
inline std::int64_t product_grain(std::int64_t m, std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kTaskWork = 1 << 20, kMostTasks = 32, kTile = 8, kGoodRows = 64;
  const std::int64_t rows = std::max({(m + kMostTasks - 1) / kMostTasks, std::min(kGoodRows, (m + 3) / 4),
                                      kTaskWork / std::max<std::int64_t>(n * k, 1), std::int64_t{1}});
  return (rows + kTile - 1) / kTile * kTile;
}

/// C (M,N) = op(A) op(B) + beta C with the arguments of gemm, split over the rows of C: the sum over K stays
/// in one task.
template <class T>
void product(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
             std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  parallel_for(m, product_grain(m, n, k), [=](std::int64_t begin, std::int64_t end) {
    gemm<T>(transpose_a, transpose_b, end - begin, n, k, 1, a + begin * (transpose_a ? 1 : lda), lda, b, ldb,
            beta, c + begin * ldc, ldc);
  });
}

}  // namespace salu
