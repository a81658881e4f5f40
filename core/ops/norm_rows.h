// SPDX-License-Identifier: MIT
/// The CPU loops that batch and group normalization share: rows of C channels, coefficients per channel.
#pragma once

#include "core/ops/reduce.h"

namespace salu {

/// y = (x - mean) factor + shift
template <class T>
struct NormMap {
  const T *mean, *factor, *shift;

  void operator()(const T* x, T* y, std::int64_t rows, std::int64_t channels) const {
    const T *m = mean, *f = factor, *s = shift;
    for (std::int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
      for (std::int64_t c = 0; c < channels; ++c) y[c] = (x[c] - m[c]) * f[c] + s[c];
    }
  }
};

/// dx = dy factor - offset - (x - mean) slope
template <class T>
struct NormGradientMap {
  const T *mean, *factor, *offset, *slope;

  void operator()(const T* dy, const T* x, T* dx, std::int64_t rows, std::int64_t channels) const {
    const T *m = mean, *f = factor, *o = offset, *s = slope;
    for (std::int64_t r = 0; r < rows; ++r, x += channels, dy += channels, dx += channels) {
      for (std::int64_t c = 0; c < channels; ++c) dx[c] = dy[c] * f[c] - o[c] - (x[c] - m[c]) * s[c];
    }
  }
};

/// block[0..C) += dy, block[C..2C) += dy (x - mean), for one row.
template <class T>
void add_gradient_row(const T* dy, const T* x, const T* mean, std::int64_t channels, T* block) {
  T* centred = block + channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    block[c] += dy[c];
    centred[c] += dy[c] * (x[c] - mean[c]);
  }
}

}  // namespace salu
