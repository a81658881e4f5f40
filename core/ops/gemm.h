// SPDX-License-Identifier: MIT
/// Row-major matrix product on the calling thread, the building block of matmul, linear, attention and
/// im2col.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/ops/wide.h"

namespace salu {

/// C (M,N) = alpha op(A) op(B) + beta C, op(X) = X or its transpose; lda, ldb, ldc are the row lengths in
/// memory of A, B and C as stored. Runs on one thread: callers split M over parallel_for, so the sum over K
/// is never split and the result does not depend on the thread count. f32 goes to oneDNN, f64 is a plain
/// loop, bf16 is converted by product().
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
/// in one task. With a bias (N) every row of C begins as the bias, and beta is 1.
template <class T, class C>
void product(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
             std::int64_t lda, const T* b, std::int64_t ldb, Wide<T> beta, C* c, std::int64_t ldc,
             const Wide<T>* bias = nullptr) {
  const WideInput<T> right(b, transpose_b ? n : k, transpose_b ? k : n, ldb);
  parallel_for(m, product_grain(m, n, k), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t rows = end - begin;
    const WideInput<T> left(a + begin * (transpose_a ? 1 : lda), transpose_a ? k : rows,
                            transpose_a ? rows : k, lda);
    WideOutput<C> out(c + begin * ldc, rows, n, ldc);
    for (std::int64_t i = 0; bias && i < rows; ++i) std::copy_n(bias, n, out.data() + i * out.row_length());
    gemm<Wide<T>>(transpose_a, transpose_b, rows, n, k, 1, left.data(), left.row_length(), right.data(),
                  right.row_length(), bias ? 1 : beta, out.data(), out.row_length());
    out.store();
  });
}

}  // namespace salu
