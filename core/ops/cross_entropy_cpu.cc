// SPDX-License-Identifier: MIT
#include <numeric>

#include "core/ops/cross_entropy.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax_row.h"

namespace salu {
namespace {

void forward(Tensor& loss, Tensor& probabilities, const Tensor& logits, const Tensor& targets) {
  dispatch_float("cross_entropy", logits.dtype(), [&]<class T>() {
    const std::int64_t batch = logits.dim(0), classes = logits.dim(1);
    const T *x = logits.data<T>(), *t = targets.data<T>();
    T* p = probabilities.data<T>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t first = row * classes;
        const double log_sum_exp = softmax_row(p + first, x + first, classes);
        for (std::int64_t i = first; i < first + classes; ++i) {
          // A class of weight 0 adds nothing, even where its logit is -inf.
          if (t[i] != T(0)) sum += static_cast<double>(t[i]) * (log_sum_exp - static_cast<double>(x[i]));
        }
      }
      return sum;
    };
    const double sum = parallel_sum<double>(batch, row_grain(batch, classes), chunk);
    *loss.data<T>() = static_cast<T>(sum / static_cast<double>(batch));
  });
}

void backward(Tensor& dlogits, const Tensor& dloss, const Tensor& probabilities, const Tensor& targets) {
  dispatch_float("cross_entropy", targets.dtype(), [&]<class T>() {
    const std::int64_t batch = targets.dim(0), classes = targets.dim(1);
    const T *prob = probabilities.data<T>(), *target = targets.data<T>();
    const T factor = *dloss.data<T>() / static_cast<T>(batch);
    T* out = dlogits.data<T>();
    parallel_for(batch, row_grain(batch, classes), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T *p = prob + row * classes, *t = target + row * classes;
        const T weight = static_cast<T>(std::accumulate(t, t + classes, 0.0));
        for (std::int64_t c = 0; c < classes; ++c) out[row * classes + c] = factor * (p[c] * weight - t[c]);
      }
    });
  });
}

}  // namespace

constinit CrossEntropyKernels cross_entropy_kernels{{"cross_entropy_forward", forward},
                                                    {"cross_entropy_backward", backward}};

}  // namespace salu
