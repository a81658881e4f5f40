// SPDX-License-Identifier: MIT
#include "core/ops/bce_with_logits.h"
#include "core/ops/reduce.h"
#include "core/ops/scalar_math.h"

namespace salu {
namespace {

void forward(Tensor& loss, const Tensor& logits, const Tensor& targets) {
  dispatch_float("bce_with_logits", logits.dtype(), [&]<class T>() {
    const T *x = logits.data<T>(), *t = targets.data<T>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(bce_value(x[i], t[i]));
      return sum;
    };
    const double sum = parallel_sum<double>(logits.numel(), kElementwiseGrain, chunk);
    *loss.data<T>() = static_cast<T>(sum / static_cast<double>(logits.numel()));
  });
}

void backward(Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets) {
  dispatch_float("bce_with_logits", logits.dtype(), [&]<class T>() {
    const T *x = logits.data<T>(), *t = targets.data<T>();
    const T factor = *dloss.data<T>() / static_cast<T>(logits.numel());
    T* out = dlogits.data<T>();
    parallel_for(logits.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = factor * bce_slope(x[i], t[i]);
    });
  });
}

}  // namespace

constinit BceWithLogitsKernels bce_with_logits_kernels{{"bce_with_logits_forward", forward},
                                                       {"bce_with_logits_backward", backward}};

}  // namespace salu
