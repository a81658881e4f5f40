// SPDX-License-Identifier: MIT
#include "core/ops/elementwise.h"
#include "core/ops/prelu.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& slope) {
  dispatch_float("prelu", x.dtype(), [&]<class T>() {
    const T k = *slope.data<T>();
    map_elements<T>(
        y, [k](T v) { return v > T(0) ? v : k * v; }, x);
  });
}

void backward(Tensor& dx, Tensor* dslope, const Tensor& dy, const Tensor& x, const Tensor& slope) {
  dispatch_float("prelu", x.dtype(), [&]<class T>() {
    const T *in = x.data<T>(), *upstream = dy.data<T>(), k = *slope.data<T>();
    T* out = dx.data<T>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = begin; i < end; ++i) {
        out[i] = upstream[i] * (in[i] > T(0) ? T(1) : k);
        sum += static_cast<double>(in[i] > T(0) ? T(0) : upstream[i] * in[i]);
      }
      return sum;
    };
    const double sum = parallel_sum<double>(x.numel(), kElementwiseGrain, chunk);
    add_sums<T>(dslope, &sum);
  });
}

}  // namespace

constinit PreluKernels prelu_kernels{{"prelu_forward", forward}, {"prelu_backward", backward}};

}  // namespace salu
