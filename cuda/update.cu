// SPDX-License-Identifier: MIT
/// One pass over the flat buffers: clipping, optimizer, moving average and bf16 copy in one launch.
#include "core/update.h"
#include "core/update_math.h"
#include "cuda/kernel.cuh"
#include "cuda/reduce.cuh"
#include "cuda/scratch.h"

namespace salu::cuda {
namespace {

struct Square {
  const float* g;
  __device__ float operator()(std::int64_t i) const { return g[i] * g[i]; }
};

struct StoreNorm {
  double* control;
  const float* loss;
  __device__ void operator()(double sum) const {
    slot(control, Control::norm) = std::sqrt(sum);
    slot(control, Control::loss) = static_cast<double>(*loss);
  }
};

void measure(Tensor& control, const Tensor& gradients, const Tensor& loss) {
  total(gradients.numel(), Square{gradients.data<float>()},
        StoreNorm{control.data<double>(), loss.data<float>()});
}

__global__ void prepare_step_kernel(double* control, UpdateOptions options) {
  prepare_step(control, options);
}

struct Buffers {
  float *p, *first, *second, *ema;
  const float* g;
  bf16* shadow;
};

/// One range; `Width` floats per access.
template <int Width>
__global__ void __launch_bounds__(256)
    update_kernel(std::int64_t n, Buffers b, const double* control, UpdateRange range, UpdateOptions o) {
  if (slot(control, Control::applied) == 0) return;
  const StepFactors f = factors_of(control);
  const float beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
  const float eps = static_cast<float>(o.eps), momentum = static_cast<float>(o.momentum);
  const float keep = static_cast<float>(o.ema_decay), take = static_cast<float>(1 - o.ema_decay);
  using Floats = Pack<float, Width>;
  const auto load = [](const float* from) { return *reinterpret_cast<const Floats*>(from); };
  const auto store = [](float* to, const Floats& pack) { *reinterpret_cast<Floats*>(to) = pack; };
  for (std::int64_t i = global_thread() * Width; i < n; i += global_threads() * Width) {
    Floats p = load(b.p + i), first = load(b.first + i), second{};
    const Floats g = load(b.g + i);
    if (b.second) second = load(b.second + i);
    for (int k = 0; k < Width; ++k) {
      p.at[k] = o.kind == OptimizerKind::sgd
                    ? sgd_step(p.at[k], g.at[k], first.at[k], f, range, momentum, o.nesterov)
                    : adam_step(p.at[k], g.at[k], first.at[k], second.at[k], f, range, beta1, beta2, eps,
                                o.kind == OptimizerKind::adamw);
    }
    store(b.p + i, p);
    store(b.first + i, first);
    if (b.second) store(b.second + i, second);
    if (b.ema) {
      Floats ema = load(b.ema + i);
      for (int k = 0; k < Width; ++k) ema.at[k] = keep * ema.at[k] + take * p.at[k];
      store(b.ema + i, ema);
    }
    if (b.shadow) {
      Pack<bf16, Width> rounded;
      for (int k = 0; k < Width; ++k) rounded.at[k] = bf16(p.at[k]);
      *reinterpret_cast<Pack<bf16, Width>*>(b.shadow + i) = rounded;
    }
  }
}

float* at(Tensor& t, std::int64_t offset) { return t.defined() ? t.data<float>() + offset : nullptr; }

void update(UpdateBuffers& buffers, Tensor& control, const UpdateOptions& options) {
  double* c = control.data<double>();
  launch("prepare_step_kernel", prepare_step_kernel, {}, c, options);
  for (int k = 0; k < options.range_count; ++k) {
    const UpdateRange& range = options.ranges[k];
    const std::int64_t n = range.end - range.begin;
    const Buffers b{at(buffers.values, range.begin),
                    at(buffers.first, range.begin),
                    at(buffers.second, range.begin),
                    at(buffers.ema, range.begin),
                    at(buffers.gradients, range.begin),
                    buffers.shadow.defined() ? buffers.shadow.data<bf16>() + range.begin : nullptr};
    // Ranges start on 64-element segments; only the coefficients, side by side, may end off a pack.
    const bool packs = n % 4 == 0 && range.begin % 4 == 0 && pack_aligned(b.p, b.first, b.second, b.ema, b.g);
    if (packs) {
      launch("update_kernel", update_kernel<4>, cover_at_most(grid_blocks(8), n, 256, 4), n, b, c, range,
             options);
    } else {
      launch("update_kernel", update_kernel<1>, cover_at_most(grid_blocks(8), n), n, b, c, range, options);
    }
  }
}

__global__ void blend_kernel(std::int64_t n, float* average, const float* value, float keep, float take,
                             const double* control) {
  const std::int64_t i = global_thread();
  if (i < n && slot(control, Control::applied) != 0) average[i] = keep * average[i] + take * value[i];
}

void blend_on_device(Tensor& average, const Tensor& value, double keep, const Tensor& control) {
  launch("blend_kernel", blend_kernel, cover(average.numel()), average.numel(), average.data<float>(),
         value.data<float>(), static_cast<float>(keep), static_cast<float>(1 - keep), control.data<double>());
}

__global__ void swap_kernel(std::int64_t n, float* a, float* b) {
  const std::int64_t i = global_thread();
  if (i >= n) return;
  const float kept = a[i];
  a[i] = b[i];
  b[i] = kept;
}

void swap_on_device(Tensor& a, Tensor& b) {
  launch("swap_kernel", swap_kernel, cover(a.numel()), a.numel(), a.data<float>(), b.data<float>());
}

}  // namespace

void register_update() {
  update_kernels.measure.set(DeviceType::cuda, measure);
  update_kernels.update.set(DeviceType::cuda, update);
  update_kernels.blend.set(DeviceType::cuda, blend_on_device);
  update_kernels.swap.set(DeviceType::cuda, swap_on_device);
}

}  // namespace salu::cuda
