// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/update.h"
#include "core/update_math.h"

namespace salu {
namespace {

double sum_of_squares(const float* g, std::int64_t n) {
  return parallel_sum<double>(n, kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    // Four running sums let the compiler vectorise without reordering a single sum.
    double sums[4] = {0, 0, 0, 0};
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) {
      for (int k = 0; k < 4; ++k) sums[k] += static_cast<double>(g[i + k]) * static_cast<double>(g[i + k]);
    }
    for (; i < end; ++i) sums[0] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  });
}

void measure(Tensor& control, const Tensor& gradients, const Tensor& loss) {
  double* c = control.data<double>();
  slot(c, Control::norm) = std::sqrt(sum_of_squares(gradients.data<float>(), gradients.numel()));
  slot(c, Control::loss) = static_cast<double>(*loss.data<float>());
}

/// The buffers from element `at` on; null where there is none.
struct Pointers {
  float *p, *first, *second, *ema;
  const float* g;

  Pointers(UpdateBuffers& b, std::int64_t at)
      : p(b.values.data<float>() + at),
        first(b.first.data<float>() + at),
        second(b.second.defined() ? b.second.data<float>() + at : nullptr),
        ema(b.ema.defined() ? b.ema.data<float>() + at : nullptr),
        g(b.gradients.data<float>() + at) {}
};

void update_range(std::int64_t n, const Pointers& b, const StepFactors& f, const UpdateRange& r,
                  const UpdateOptions& o) {
  if (o.kind == OptimizerKind::sgd) {
    const float momentum = static_cast<float>(o.momentum);
    for (std::int64_t i = 0; i < n; ++i) {
      b.p[i] = sgd_step(b.p[i], b.g[i], b.first[i], f, r, momentum, o.nesterov);
    }
  } else {
    const float beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
    const float eps = static_cast<float>(o.eps);
    const bool decoupled = o.kind == OptimizerKind::adamw;
    for (std::int64_t i = 0; i < n; ++i) {
      b.p[i] = adam_step(b.p[i], b.g[i], b.first[i], b.second[i], f, r, beta1, beta2, eps, decoupled);
    }
  }
  if (!b.ema) return;
  const float keep = static_cast<float>(o.ema_decay), take = static_cast<float>(1 - o.ema_decay);
  for (std::int64_t i = 0; i < n; ++i) b.ema[i] = keep * b.ema[i] + take * b.p[i];
}

void update(UpdateBuffers& buffers, Tensor& control, const UpdateOptions& options) {
  double* c = control.data<double>();
  prepare_step(c, options);
  if (slot(c, Control::applied) == 0) return;
  const StepFactors factors = factors_of(c);
  for (int k = 0; k < options.range_count; ++k) {
    const UpdateRange& range = options.ranges[k];
    parallel_for(range.end - range.begin, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      update_range(end - begin, Pointers(buffers, range.begin + begin), factors, range, options);
    });
  }
  if (buffers.shadow.defined()) buffers.shadow.copy_from(buffers.values);
}

void blend_cpu(Tensor& average, const Tensor& value, double keep, const Tensor& control) {
  if (slot(control.data<double>(), Control::applied) == 0) return;
  const float kept = static_cast<float>(keep), taken = static_cast<float>(1 - keep);
  float* a = average.data<float>();
  const float* v = value.data<float>();
  for (std::int64_t i = 0; i < average.numel(); ++i) a[i] = kept * a[i] + taken * v[i];
}

void swap_cpu(Tensor& a, Tensor& b) {
  std::swap_ranges(a.data<float>(), a.data<float>() + a.numel(), b.data<float>());
}

}  // namespace

constinit UpdateKernels update_kernels{{"measure_step", measure},
                                       {"update_parameters", update},
                                       {"blend", blend_cpu},
                                       {"swap_values", swap_cpu}};

}  // namespace salu
