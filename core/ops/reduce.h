// SPDX-License-Identifier: MIT
/// Sums of the CPU ops: two stages in a fixed order, so that the result does not depend on the number of
/// threads.
#pragma once

#include <vector>

#include "core/parallel.h"
#include "core/tensor.h"

namespace salu {

/// Rows that are summed in T before the sum is added to a double: enough to hide the conversion, few enough
/// that a float sum stays within a few rounding errors.
inline constexpr std::int64_t kSumBlock = 32;

/// sums[c] += the terms of rows [begin, end), on the calling thread. `add_row(r, block)` adds the terms of
/// row r to block[0 .. width).
template <class T, class AddRow>
void sum_rows(std::int64_t begin, std::int64_t end, std::int64_t width, double* sums, AddRow&& add_row) {
  std::vector<T> block(static_cast<std::size_t>(width));
  for (std::int64_t first = begin; first < end; first += kSumBlock) {
    std::fill(block.begin(), block.end(), T(0));
    for (std::int64_t r = first; r < std::min(first + kSumBlock, end); ++r) add_row(r, block.data());
    for (std::int64_t c = 0; c < width; ++c) {
      sums[c] += static_cast<double>(block[static_cast<std::size_t>(c)]);
    }
  }
}

/// Rows per chunk of a (rows, columns) matrix: at most 64 chunks, none smaller than an elementwise one.
inline std::int64_t row_grain(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kMostChunks = 64;
  return std::max((rows + kMostChunks - 1) / kMostChunks,
                  kElementwiseGrain / std::max<std::int64_t>(columns, 1) + 1);
}

/// The sum over the rows of a (rows, width) matrix, in order.
inline std::vector<double> sum_in_order(const std::vector<double>& matrix, std::int64_t width) {
  std::vector<double> total(static_cast<std::size_t>(width));
  for (std::size_t row = 0; row < matrix.size(); row += total.size()) {
    for (std::size_t c = 0; c < total.size(); ++c) total[c] += matrix[row + c];
  }
  return total;
}

/// `width` sums over all rows of a (rows, columns) matrix: chunks by sum_rows, then the chunks in order.
template <class T, class AddRow>
std::vector<double> column_sums(std::int64_t rows, std::int64_t columns, std::int64_t width,
                                AddRow&& add_row) {
  const std::int64_t grain = row_grain(rows, columns), chunks = (rows + grain - 1) / grain;
  std::vector<double> partial(static_cast<std::size_t>(chunks * width));
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    sum_rows<T>(begin, end, width, partial.data() + begin / grain * width, add_row);
  });
  return sum_in_order(partial, width);
}

/// The sum over the rows of x (rows, columns).
template <class T>
std::vector<double> column_sums(std::int64_t rows, std::int64_t columns, const T* x) {
  return column_sums<Wide<T>>(rows, columns, columns, [=](std::int64_t r, Wide<T>* sums) {
    const T* row = x + r * columns;
    for (std::int64_t c = 0; c < columns; ++c) sums[c] += row[c];
  });
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

/// gradient[i] += sums[i], for a parameter beside activations of type T. A null gradient is not needed and is
/// skipped.
template <class T>
void add_sums(Tensor* gradient, const double* sums) {
  if (!gradient) return;
  Wide<T>* out = gradient->data<Wide<T>>();
  for (std::int64_t i = 0; i < gradient->numel(); ++i) {
    out[i] = static_cast<Wide<T>>(static_cast<double>(out[i]) + sums[i]);
  }
}

}  // namespace salu
