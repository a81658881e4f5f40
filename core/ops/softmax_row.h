// SPDX-License-Identifier: MIT
/// One row of softmax on the CPU; softmax and cross_entropy share it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace salu {

/// y = softmax(x) over n >= 1 elements; y may be x. Returns ln sum exp x. The largest element is taken off
/// first, so that nothing overflows.
template <class T>
double softmax_row(T* y, const T* x, std::int64_t n) {
  const T largest = *std::max_element(x, x + n);
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = std::exp(x[i] - largest);
    sum += static_cast<double>(y[i]);
  }
  const T factor = static_cast<T>(1 / sum);
  for (std::int64_t i = 0; i < n; ++i) y[i] *= factor;
  return static_cast<double>(largest) + std::log(sum);
}

}  // namespace salu
