// SPDX-License-Identifier: MIT
#include "core/ops/patchify.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

/// Calls `copy(pixel, token, length)` with the offsets of every run of p C numbers that lie side by side in
/// both the images (N,H,W,C) and the tokens.
template <class Copy>
void each_run(const Shape& images, std::int64_t patch, Copy&& copy) {
  const std::int64_t columns = images[2] / patch, bands = images[0] * (images[1] / patch);
  const std::int64_t run = patch * images[3], band = patch * columns * run;  // a band: one row of patches
  parallel_for(bands, row_grain(bands, band), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t r = 0; r < patch; ++r) {
        for (std::int64_t j = 0; j < columns; ++j) {
          copy(i * band + (r * columns + j) * run, i * band + (j * patch + r) * run, run);
        }
      }
    }
  });
}

void forward(Tensor& y, const Tensor& x, std::int64_t patch) {
  dispatch_float("patchify", x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.data<T>();
    each_run(x.shape(), patch, [=](std::int64_t pixel, std::int64_t token, std::int64_t length) {
      std::copy(in + pixel, in + pixel + length, out + token);
    });
  });
}

void backward(Tensor& dx, const Tensor& dy, std::int64_t patch) {
  dispatch_float("patchify", dy.dtype(), [&]<class T>() {
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    each_run(dx.shape(), patch, [=](std::int64_t pixel, std::int64_t token, std::int64_t length) {
      std::copy(in + token, in + token + length, out + pixel);
    });
  });
}

}  // namespace

constinit PatchifyKernels patchify_kernels{{"patchify_forward", forward}, {"patchify_backward", backward}};

}  // namespace salu
