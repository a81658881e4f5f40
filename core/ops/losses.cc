// SPDX-License-Identifier: MIT
#include "core/ops/losses.h"

#include <numeric>

#include "core/ops/reduce.h"
#include "core/ops/softmax_row.h"
#include "core/ops/wide.h"

namespace salu {
namespace {

void softmax_forward_cpu(Tensor& y, const Tensor& x) {
  dispatch_elements("softmax", x.dtype(), [&]<class T>() {
    const std::int64_t n = x.dim(-1);
    if (n == 0) return;
    const T* in = x.data<T>();
    T* out = y.data<T>();
    parallel_for(rows_of(x), row_grain(rows_of(x), n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        WideOutput<T> result(out + row * n, 1, n, n);
        softmax_row(result.data(), in + row * n, n);
        result.store();
      }
    });
  });
}

void softmax_backward_cpu(Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_elements("softmax", y.dtype(), [&]<class T>() {
    const std::int64_t n = y.dim(-1);
    const T *p = y.data<T>(), *upstream = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(rows_of(y), row_grain(rows_of(y), n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T *prob = p + row * n, *g = upstream + row * n;
        double dot = 0;
        for (std::int64_t c = 0; c < n; ++c) dot += static_cast<double>(g[c]) * static_cast<double>(prob[c]);
        for (std::int64_t c = 0; c < n; ++c)
          out[row * n + c] = T(prob[c] * (g[c] - static_cast<Wide<T>>(dot)));
      }
    });
  });
}

}  // namespace

constinit SoftmaxKernels softmax_kernels{{"softmax_forward", softmax_forward_cpu},
                                         {"softmax_backward", softmax_backward_cpu}};

Tensor softmax_forward(const Tensor& x) {
  check(x.shape().rank() >= 1, "[softmax] expected rank >= 1, got {}", x.shape().str());
  return like(softmax_kernels.forward, x, x);
}

Tensor softmax_backward(const Tensor& dy, const Tensor& y) {
  check_like("softmax", y, dy);
  return like(softmax_kernels.backward, y, dy, y);
}

namespace {

void cross_entropy_forward_cpu(Tensor& loss, Tensor& probabilities, const Tensor& logits,
                               const Tensor& targets) {
  dispatch_elements("cross_entropy", logits.dtype(), [&]<class T>() {
    const std::int64_t batch = logits.dim(0), classes = logits.dim(1);
    const T* x = logits.data<T>();
    const Wide<T>* t = targets.data<Wide<T>>();
    Wide<T>* p = probabilities.data<Wide<T>>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t first = row * classes;
        const double log_sum_exp = softmax_row(p + first, x + first, classes);
        for (std::int64_t i = first; i < first + classes; ++i) {
          // A class of weight 0 contributes 0, even where its logit is -inf.
          if (t[i] != 0) sum += static_cast<double>(t[i]) * (log_sum_exp - static_cast<double>(x[i]));
        }
      }
      return sum;
    };
    const double sum = parallel_sum<double>(batch, row_grain(batch, classes), chunk);
    *loss.data<Wide<T>>() = static_cast<Wide<T>>(sum / static_cast<double>(batch));
  });
}

void cross_entropy_backward_cpu(Tensor& dlogits, const Tensor& dloss, const Tensor& probabilities,
                                const Tensor& targets) {
  dispatch_elements("cross_entropy", dlogits.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t batch = targets.dim(0), classes = targets.dim(1);
    const W *prob = probabilities.data<W>(), *target = targets.data<W>();
    const W factor = *dloss.data<W>() / static_cast<W>(batch);
    T* out = dlogits.data<T>();
    parallel_for(batch, row_grain(batch, classes), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const W *p = prob + row * classes, *t = target + row * classes;
        const W weight = static_cast<W>(std::accumulate(t, t + classes, 0.0));
        for (std::int64_t c = 0; c < classes; ++c) {
          out[row * classes + c] = T(factor * (p[c] * weight - t[c]));
        }
      }
    });
  });
}

}  // namespace

constinit CrossEntropyKernels cross_entropy_kernels{{"cross_entropy_forward", cross_entropy_forward_cpu},
                                                    {"cross_entropy_backward", cross_entropy_backward_cpu}};

CrossEntropy cross_entropy_forward(const Tensor& logits, const Tensor& targets) {
  check(logits.shape().rank() == 2 && logits.numel() > 0,
        "[cross_entropy] expected logits (B,K) with B, K >= 1, got {}", logits.shape().str());
  check_shape("cross_entropy", "targets", targets, logits.shape());
  check_parameter("cross_entropy", "targets", targets, logits);
  CrossEntropy out{Tensor::empty({1}, targets.dtype(), logits.device()),
                   Tensor::empty(logits.shape(), targets.dtype(), logits.device())};
  cross_entropy_kernels.forward(logits.device(), out.loss, out.probabilities, logits, targets);
  return out;
}

Tensor cross_entropy_backward(const Tensor& dloss, const Tensor& probabilities, const Tensor& targets,
                              DType dtype) {
  check_shape("cross_entropy", "dloss", dloss, {1});
  check_like("cross_entropy", probabilities, targets);
  Tensor dlogits = Tensor::empty(targets.shape(), dtype, targets.device());
  check_parameter("cross_entropy", "targets", targets, dlogits);
  cross_entropy_kernels.backward(targets.device(), dlogits, dloss, probabilities, targets);
  return dlogits;
}

namespace {

void check_inputs(const Tensor& logits, const Tensor& targets) {
  check(logits.shape().rank() == 2 && logits.numel() > 0,
        "[bce_with_logits] expected logits (B,K) with B, K >= 1, got {}", logits.shape().str());
  check_shape("bce_with_logits", "targets", targets, logits.shape());
  check_parameter("bce_with_logits", "targets", targets, logits);
}

void bce_with_logits_forward_cpu(Tensor& loss, const Tensor& logits, const Tensor& targets) {
  dispatch_elements("bce_with_logits", logits.dtype(), [&]<class T>() {
    const T* x = logits.data<T>();
    const Wide<T>* t = targets.data<Wide<T>>();
    const auto chunk = [=](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(bce_value<Wide<T>>(x[i], t[i]));
      return sum;
    };
    const double sum = parallel_sum<double>(logits.numel(), kElementwiseGrain, chunk);
    *loss.data<Wide<T>>() = static_cast<Wide<T>>(sum / static_cast<double>(logits.numel()));
  });
}

void bce_with_logits_backward_cpu(Tensor& dlogits, const Tensor& dloss, const Tensor& logits,
                                  const Tensor& targets) {
  dispatch_elements("bce_with_logits", logits.dtype(), [&]<class T>() {
    const T* x = logits.data<T>();
    const Wide<T>* t = targets.data<Wide<T>>();
    const Wide<T> factor = *dloss.data<Wide<T>>() / static_cast<Wide<T>>(logits.numel());
    T* out = dlogits.data<T>();
    parallel_for(logits.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = T(factor * bce_slope<Wide<T>>(x[i], t[i]));
    });
  });
}

}  // namespace

constinit BceWithLogitsKernels bce_with_logits_kernels{
    {"bce_with_logits_forward", bce_with_logits_forward_cpu},
    {"bce_with_logits_backward", bce_with_logits_backward_cpu}};

Tensor bce_with_logits_forward(const Tensor& logits, const Tensor& targets) {
  check_inputs(logits, targets);
  Tensor loss = Tensor::empty({1}, targets.dtype(), logits.device());
  bce_with_logits_kernels.forward(logits.device(), loss, logits, targets);
  return loss;
}

Tensor bce_with_logits_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets) {
  check_inputs(logits, targets);
  check_shape("bce_with_logits", "dloss", dloss, {1});
  check_parameter("bce_with_logits", "dloss", dloss, logits);
  return like(bce_with_logits_kernels.backward, logits, dloss, logits, targets);
}

}  // namespace salu
