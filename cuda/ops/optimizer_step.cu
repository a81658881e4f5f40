// SPDX-License-Identifier: MIT
/// Clipping, optimizer, moving average and bf16 copy in one launch over the flat buffers; before it, where
/// the optimizer asks for them, the rows of agc and the trust ratios of LAMB and LARS.
#include "core/ops/optimizer_step.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

constexpr int kThreads = 256;

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
  float *p, *g, *first, *second, *ema;
  bf16* shadow;
};

/// One warp per unit: a row of a matrix, or a filter.
__global__ void __launch_bounds__(kThreads) clip_units_kernel(std::int64_t count, const std::int64_t* units,
                                                              Buffers b, const double* control, double clip) {
  if (slot(control, Control::applied) == 0) return;
  const std::int64_t warp = global_thread() / kWarp, warps = global_threads() / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (std::int64_t u = warp; u < count; u += warps) {
    const std::int64_t begin = units[2 * u], end = units[2 * u + 1];
    float squares = 0, gradient_squares = 0;
    for (std::int64_t i = begin + lane; i < end; i += kWarp) {
      squares += b.p[i] * b.p[i];
      gradient_squares += b.g[i] * b.g[i];
    }
    const float factor = agc_factor(static_cast<double>(warp_sum(squares)),
                                    static_cast<double>(warp_sum(gradient_squares)), clip);
    if (factor == 1) continue;
    for (std::int64_t i = begin + lane; i < end; i += kWarp) b.g[i] *= factor;
  }
}

/// Each tile's part of the two norms of its trust ratio. Advances LAMB's moments.
template <OptimizerKind kind>
__global__ void __launch_bounds__(kThreads)
    trust_sums_kernel(std::int64_t tiles, const UpdateTile* tile_data, Buffers b, const double* control,
                      double* sums, UpdateOptions o) {
  if (slot(control, Control::applied) == 0) return;
  const StepFactors f = factors_of(control, o);
  for (std::int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const UpdateTile tile = tile_data[t];
    float squares = 0, others = 0;
    for (std::int64_t i = tile.begin + threadIdx.x; i < tile.end; i += blockDim.x) {
      float first = b.first[i], second = b.second ? b.second[i] : 0;
      const float p = b.p[i], other = trust_term<kind>(p, b.g[i], first, second, f, tile);
      if constexpr (kind == OptimizerKind::lamb) b.first[i] = first, b.second[i] = second;
      squares += p * p;
      others += other * other;
    }
    squares = block_sum(squares);
    others = block_sum(others);
    if (threadIdx.x != 0) continue;
    sums[2 * t] = static_cast<double>(squares);
    sums[2 * t + 1] = static_cast<double>(others);
  }
}

/// One warp per trust ratio.
template <OptimizerKind kind>
__global__ void trust_ratios_kernel(std::int64_t count, const std::int64_t* bounds, const UpdateTile* tiles,
                                    const double* sums, float* ratios, const double* control,
                                    UpdateOptions o) {
  if (slot(control, Control::applied) == 0) return;
  const StepFactors f = factors_of(control, o);
  const std::int64_t s = global_thread() / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (s >= count) return;
  double squares = 0, others = 0;
  for (std::int64_t t = bounds[2 * s] + lane; t < bounds[2 * s + 1]; t += kWarp) {
    squares += sums[2 * t];
    others += sums[2 * t + 1];
  }
  squares = warp_sum(squares);
  others = warp_sum(others);
  if (lane == 0) {
    ratios[s] =
        trust_ratio<kind>(std::sqrt(squares), std::sqrt(others), f, tiles[bounds[2 * s]].weight_decay);
  }
}

/// `Width` neighbours from element i on.
template <OptimizerKind kind, int Width>
__device__ void update_pack(std::int64_t i, const Buffers& b, const StepFactors& f, const UpdateTile& tile,
                            float trust) {
  using Floats = Pack<float, Width>;
  const auto load = [&](const float* from) { return *reinterpret_cast<const Floats*>(from + i); };
  const auto store = [&](float* to, const Floats& pack) { *reinterpret_cast<Floats*>(to + i) = pack; };
  Floats p = load(b.p), first = load(b.first), second{};
  const Floats g = load(b.g);
  if (b.second) second = load(b.second);
  for (int k = 0; k < Width; ++k) {
    p.at[k] = stepped<kind>(p.at[k], g.at[k], first.at[k], second.at[k], f, tile, trust);
  }
  store(b.p, p);
  if constexpr (kind != OptimizerKind::lamb) {
    store(b.first, first);
    if (b.second) store(b.second, second);
  }
  if (b.ema) {
    Floats ema = load(b.ema);
    for (int k = 0; k < Width; ++k) ema.at[k] = f.ema_keep * ema.at[k] + f.ema_take * p.at[k];
    store(b.ema, ema);
  }
  if (b.shadow) {
    Pack<bf16, Width> rounded;
    for (int k = 0; k < Width; ++k) rounded.at[k] = bf16(p.at[k]);
    *reinterpret_cast<Pack<bf16, Width>*>(b.shadow + i) = rounded;
  }
}

/// One block per tile. Parameters start on 64-element segments; only packed coefficients start or end off a
/// pack.
template <OptimizerKind kind>
__global__ void __launch_bounds__(kThreads)
    update_kernel(std::int64_t tiles, const UpdateTile* tile_data, Buffers b, const double* control,
                  const float* ratios, bool packs, UpdateOptions o) {
  if (slot(control, Control::applied) == 0) return;
  const StepFactors f = factors_of(control, o);
  for (std::int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const UpdateTile tile = tile_data[t];
    const float trust = tile.trust < 0 ? 1.0f : ratios[tile.trust];
    const bool wide = packs && tile.begin % 4 == 0;
    const std::int64_t last_pack = wide ? tile.begin + (tile.end - tile.begin) / 4 * 4 : tile.begin;
    for (std::int64_t i = tile.begin + 4 * threadIdx.x; i < last_pack; i += 4 * blockDim.x) {
      update_pack<kind, 4>(i, b, f, tile, trust);
    }
    for (std::int64_t i = last_pack + threadIdx.x; i < tile.end; i += blockDim.x) {
      update_pack<kind, 1>(i, b, f, tile, trust);
    }
  }
}

template <OptimizerKind kind>
void queue_update(const Buffers& b, const double* control, UpdatePlan& plan, const UpdateOptions& o) {
  const std::int64_t tiles = plan.tile_count(), ratios = plan.ratios.numel();
  const LaunchShape shape{.blocks_x = std::min(tiles, grid_blocks(8)), .threads_x = kThreads};
  if constexpr (has_trust_ratios(kind)) {
    launch("trust_sums_kernel", trust_sums_kernel<kind>, shape, tiles, plan.tile_data(), b, control,
           plan.sums.data<double>(), o);
    launch("trust_ratios_kernel", trust_ratios_kernel<kind>, cover(ratios * kWarp, kThreads), ratios,
           plan.trust_tiles.data<std::int64_t>(), plan.tile_data(), plan.sums.data<double>(),
           plan.ratios.data<float>(), control, o);
  }
  const bool packs = pack_aligned(b.p, b.first, b.second, b.ema, b.g);
  launch("update_kernel", update_kernel<kind>, shape, tiles, plan.tile_data(), b, control,
         plan.ratios.data<float>(), packs, o);
}

void update(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan, const UpdateOptions& options) {
  const auto data = [](Tensor& t) { return t.defined() ? t.data<float>() : nullptr; };
  const Buffers b{data(buffers.values), data(buffers.gradients),
                  data(buffers.first),  data(buffers.second),
                  data(buffers.ema),    buffers.shadow.defined() ? buffers.shadow.data<bf16>() : nullptr};
  double* c = control.data<double>();
  launch("prepare_step_kernel", prepare_step_kernel, {}, c, options);
  if (options.clip_mode == ClipMode::agc) {
    const std::int64_t units = plan.units.dim(0);
    launch("clip_units_kernel", clip_units_kernel, cover_at_most(grid_blocks(8), units * kWarp, kThreads),
           units, plan.units.data<std::int64_t>(), b, c, options.clip_grad);
  }
  with_kind(options.kind, [&]<OptimizerKind kind>() { queue_update<kind>(b, c, plan, options); });
}

__global__ void blend_kernel(std::int64_t n, float* average, const float* value, const double* control) {
  const std::int64_t i = global_thread();
  if (i >= n || slot(control, Control::applied) == 0) return;
  const double keep = slot(control, Control::ema_keep);
  average[i] = static_cast<float>(keep) * average[i] + static_cast<float>(1 - keep) * value[i];
}

void blend_on_device(Tensor& average, const Tensor& value, const Tensor& control) {
  launch("blend_kernel", blend_kernel, cover(average.numel()), average.numel(), average.data<float>(),
         value.data<float>(), control.data<double>());
}

__global__ void take_back_kernel(std::int64_t n, float* values, const float* before, const double* control) {
  const std::int64_t i = global_thread();
  if (i < n && slot(control, Control::applied) == 0) values[i] = before[i];
}

void take_back_on_device(Tensor& values, const Tensor& before, const Tensor& control) {
  launch("take_back_kernel", take_back_kernel, cover(values.numel()), values.numel(), values.data<float>(),
         before.data<float>(), control.data<double>());
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

void register_optimizer_step() {
  update_kernels.measure.set(DeviceType::cuda, measure);
  update_kernels.update.set(DeviceType::cuda, update);
  update_kernels.blend.set(DeviceType::cuda, blend_on_device);
  update_kernels.take_back.set(DeviceType::cuda, take_back_on_device);
  update_kernels.swap.set(DeviceType::cuda, swap_on_device);
}

}  // namespace salu::cuda
