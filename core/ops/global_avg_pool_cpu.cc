// SPDX-License-Identifier: MIT
#include "core/ops/global_avg_pool.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("global_avg_pool", x.dtype(), [&]<class T>() {
    const std::int64_t n = x.dim(0), pixels = x.dim(1) * x.dim(2), c = x.dim(3);
    const T* in = x.data<T>();
    T* out = y.data<T>();
    parallel_for(n, row_grain(n, pixels * c), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::vector<double> sums(static_cast<std::size_t>(c));
        sum_rows<T>(i * pixels, (i + 1) * pixels, c, sums.data(), [=](std::int64_t r, T* block) {
          for (std::int64_t k = 0; k < c; ++k) block[k] += in[r * c + k];
        });
        for (std::int64_t k = 0; k < c; ++k) {
          out[i * c + k] = static_cast<T>(sums[static_cast<std::size_t>(k)] / static_cast<double>(pixels));
        }
      }
    });
  });
}

void backward(Tensor& dx, const Tensor& dy) {
  dispatch_float("global_avg_pool", dy.dtype(), [&]<class T>() {
    const std::int64_t n = dx.dim(0), pixels = dx.dim(1) * dx.dim(2), c = dx.dim(3);
    const T factor = T(1) / static_cast<T>(pixels);
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(n * pixels, row_grain(n * pixels, c), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* row = in + r / pixels * c;
        for (std::int64_t k = 0; k < c; ++k) out[r * c + k] = row[k] * factor;
      }
    });
  });
}

}  // namespace

constinit GlobalAvgPoolKernels global_avg_pool_kernels{{"global_avg_pool_forward", forward},
                                                       {"global_avg_pool_backward", backward}};

}  // namespace salu
