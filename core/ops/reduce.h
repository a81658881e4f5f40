// SPDX-License-Identifier: MIT
/// Sums behind the CPU ops: two stages in a fixed order, in double, so that the result does not depend on the
/// number of threads.
#pragma once

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "core/tensor.h"

namespace salu {

/// Rows of x seen as a matrix (rows, C), C the last dimension.
inline std::int64_t row_count(const Tensor& x) { return x.dim(-1) == 0 ? 0 : x.numel() / x.dim(-1); }

/// Rows of `width` elements that make one chunk of parallel_for.
constexpr std::int64_t row_grain(std::int64_t width) {
  return std::max<std::int64_t>(1, kElementwiseGrain / std::max<std::int64_t>(1, width));
}

/// `width` sums over `rows` rows: `add_row(row, sums)` adds what the row brings to sums[0..width) and may
/// write the row's outputs on the way. Per-channel sums have width C, several kinds in one pass k C.
template <class AddRow>
std::vector<double> sum_over_rows(std::int64_t rows, std::int64_t width, AddRow&& add_row) {
  constexpr std::int64_t kMostChunks = 64;  // bounds the serial second stage, whatever the width
  const std::int64_t grain = std::max(row_grain(width), (rows + kMostChunks - 1) / kMostChunks);
  std::vector<std::vector<double>> partial(static_cast<std::size_t>((rows + grain - 1) / grain));
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(width));
    for (std::int64_t row = begin; row < end; ++row) add_row(row, sums.data());
    partial[static_cast<std::size_t>(begin / grain)] = std::move(sums);
  });
  std::vector<double> total(static_cast<std::size_t>(width));
  for (const auto& sums : partial) {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += sums[i];
  }
  return total;
}

/// Sum of all elements.
template <class T>
double total(const Tensor& x) {
  const T* p = x.data<T>();
  return parallel_sum<double>(x.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(p[i]);
    return sum;
  });
}

/// gradient[i] += sums[i]; nothing when nobody wants the gradient (null).
template <class T>
void add_sums(Tensor* gradient, const double* sums) {
  if (!gradient) return;
  T* out = gradient->data<T>();
  for (std::int64_t i = 0; i < gradient->numel(); ++i) {
    out[i] = static_cast<T>(static_cast<double>(out[i]) + sums[i]);
  }
}

}  // namespace salu
