// SPDX-License-Identifier: MIT
#include "core/ops/optimizer_step.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"

namespace salu {
namespace {

double sum_of_squares(const float* x, std::int64_t begin, std::int64_t end) {
  // Four partial sums let the compiler vectorize without reordering any of them.
  double sums[4] = {0, 0, 0, 0};
  std::int64_t i = begin;
  for (; i + 4 <= end; i += 4) {
    for (int k = 0; k < 4; ++k) sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  }
  for (; i < end; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void measure(Tensor& control, const Tensor& gradients, const Tensor& loss) {
  double* c = control.data<double>();
  const float* g = gradients.data<float>();
  slot(c, Control::norm) = std::sqrt(parallel_sum<double>(
      gradients.numel(), kElementwiseGrain,
      [=](std::int64_t begin, std::int64_t end) { return sum_of_squares(g, begin, end); }));
  slot(c, Control::loss) = static_cast<double>(*loss.data<float>());
}

/// Raw pointers to the buffers; null where one is missing.
struct Pointers {
  float *p, *g, *first, *second, *ema;
  bf16* shadow;

  explicit Pointers(UpdateBuffers& b)
      : p(b.values.data<float>()),
        g(b.gradients.data<float>()),
        first(b.first.data<float>()),
        second(b.second.defined() ? b.second.data<float>() : nullptr),
        ema(b.ema.defined() ? b.ema.data<float>() : nullptr),
        shadow(b.shadow.defined() ? b.shadow.data<bf16>() : nullptr) {}
};

void clip_units(const Pointers& b, const Tensor& units, double clip) {
  const std::int64_t* unit = units.data<std::int64_t>();
  parallel_for(units.dim(0), 16, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t u = begin; u < end; ++u) {
      const std::int64_t from = unit[2 * u], to = unit[2 * u + 1];
      const float factor = agc_factor(sum_of_squares(b.p, from, to), sum_of_squares(b.g, from, to), clip);
      if (factor == 1) continue;
      for (std::int64_t i = from; i < to; ++i) b.g[i] *= factor;
    }
  });
}

/// Calls `body(tile number, tile)` for all tiles, in chunks as large as those of an elementwise op. Passes
/// the tile by value: the compiler then knows that no store to a buffer changes it.
template <class Body>
void each_tile(const UpdatePlan& plan, Body&& body) {
  const UpdateTile* tiles = plan.tile_data();
  parallel_for(plan.tile_count(), kElementwiseGrain / kTileSize, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) body(t, tiles[t]);
  });
}

template <OptimizerKind kind>
void find_trust_ratios(UpdatePlan& plan, const Pointers& b, const StepFactors& f) {
  double* sums = plan.sums.data<double>();
  each_tile(plan, [&](std::int64_t t, const UpdateTile tile) {
    double squares = 0, others = 0;
    for (std::int64_t i = tile.begin; i < tile.end; ++i) {
      float unused = 0;
      const float other =
          trust_term<kind>(b.p[i], b.g[i], b.first[i], b.second ? b.second[i] : unused, f, tile);
      squares += static_cast<double>(b.p[i]) * static_cast<double>(b.p[i]);
      others += static_cast<double>(other) * static_cast<double>(other);
    }
    sums[2 * t] = squares;
    sums[2 * t + 1] = others;
  });
  const std::int64_t* bounds = plan.trust_tiles.data<std::int64_t>();
  for (std::int64_t s = 0; s < plan.ratios.numel(); ++s) {
    double squares = 0, others = 0;
    for (std::int64_t t = bounds[2 * s]; t < bounds[2 * s + 1]; ++t) {
      squares += sums[2 * t], others += sums[2 * t + 1];
    }
    plan.ratios.data<float>()[s] = trust_ratio<kind>(std::sqrt(squares), std::sqrt(others), f,
                                                     plan.tile_data()[bounds[2 * s]].weight_decay);
  }
}

template <OptimizerKind kind>
void update_tile(const Pointers b, const StepFactors f, const UpdateTile tile, float trust) {
  for (std::int64_t i = tile.begin; i < tile.end; ++i) {
    float unused = 0;
    b.p[i] = stepped<kind>(b.p[i], b.g[i], b.first[i], b.second ? b.second[i] : unused, f, tile, trust);
  }
  for (std::int64_t i = tile.begin; b.shadow && i < tile.end; ++i) b.shadow[i] = bf16(b.p[i]);
  if (!b.ema) return;
  for (std::int64_t i = tile.begin; i < tile.end; ++i) b.ema[i] = f.ema_keep * b.ema[i] + f.ema_take * b.p[i];
}

void update(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan, const UpdateOptions& options) {
  double* c = control.data<double>();
  prepare_step(c, options);
  if (slot(c, Control::applied) == 0) return;
  const StepFactors factors = factors_of(c, options);
  const Pointers b(buffers);
  if (options.clip_mode == ClipMode::agc) clip_units(b, plan.units, options.clip_grad);
  with_kind(options.kind, [&]<OptimizerKind kind>() {
    if constexpr (has_trust_ratios(kind)) find_trust_ratios<kind>(plan, b, factors);
    const float* ratios = plan.ratios.data<float>();
    each_tile(plan, [&](std::int64_t, const UpdateTile& tile) {
      update_tile<kind>(b, factors, tile, tile.trust < 0 ? 1.0f : ratios[tile.trust]);
    });
  });
}

void blend_cpu(Tensor& average, const Tensor& value, const Tensor& control) {
  const double* c = control.data<double>();
  if (slot(c, Control::applied) == 0) return;
  const float keep = static_cast<float>(slot(c, Control::ema_keep));
  const float take = static_cast<float>(1 - slot(c, Control::ema_keep));
  float* a = average.data<float>();
  const float* v = value.data<float>();
  for (std::int64_t i = 0; i < average.numel(); ++i) a[i] = keep * a[i] + take * v[i];
}

void take_back_cpu(Tensor& values, const Tensor& before, const Tensor& control) {
  if (slot(control.data<double>(), Control::applied) == 0) values.copy_from(before);
}

void swap_cpu(Tensor& a, Tensor& b) {
  std::swap_ranges(a.data<float>(), a.data<float>() + a.numel(), b.data<float>());
}

}  // namespace

constinit UpdateKernels update_kernels{{"measure_step", measure},
                                       {"update_parameters", update},
                                       {"blend", blend_cpu},
                                       {"take_back", take_back_cpu},
                                       {"swap_values", swap_cpu}};

UpdatePlan make_update_plan(const std::vector<UpdateRange>& ranges, Device device) {
  std::vector<UpdateTile> tiles;
  std::vector<std::int64_t> trust_tiles;
  std::int32_t ratios = 0;
  for (const UpdateRange& r : ranges) {
    const auto first = static_cast<std::int64_t>(tiles.size());
    const std::int32_t trust = r.trusts ? ratios++ : -1;
    for (std::int64_t begin = r.begin; begin < r.end; begin += kTileSize) {
      tiles.push_back(
          {begin, std::min(begin + kTileSize, r.end), r.lr_scale, r.weight_decay, r.max_step, trust});
    }
    if (r.trusts) trust_tiles.insert(trust_tiles.end(), {first, static_cast<std::int64_t>(tiles.size())});
  }
  UpdatePlan plan;
  const auto count = static_cast<std::int64_t>(tiles.size());
  Tensor bytes = Tensor::empty({count * static_cast<std::int64_t>(sizeof(UpdateTile))}, DType::u8);
  if (count > 0) std::memcpy(bytes.raw(), tiles.data(), bytes.bytes());
  plan.tiles = bytes.to(device);
  plan.trust_tiles = Tensor::from({ratios, 2}, trust_tiles).to(device);
  plan.sums = Tensor::zeros({count, 2}, DType::f64, device);
  plan.ratios = Tensor::zeros({ratios}, DType::f32, device);
  return plan;
}

void measure_step(Tensor& control, const Tensor& gradients, const Tensor& loss) {
  check_shape("update", "control", control, {kControlSlots});
  check_shape("update", "loss", loss, {1});
  update_kernels.measure(control.device(), control, gradients, loss);
}

void update_parameters(UpdateBuffers& buffers, Tensor& control, UpdatePlan& plan,
                       const UpdateOptions& options) {
  check_shape("update", "control", control, {kControlSlots});
  check(options.clip_mode != ClipMode::agc || plan.units.defined(),
        "[update] expected units to clip for agc");
  for (const Tensor& t : {buffers.gradients, buffers.first}) check_like("update", buffers.values, t);
  update_kernels.update(control.device(), buffers, control, plan, options);
}

void blend(Tensor& average, const Tensor& value, const Tensor& control) {
  check_like("blend", value, average);
  update_kernels.blend(average.device(), average, value, control);
}

void take_back(Tensor& values, const Tensor& before, const Tensor& control) {
  check_like("take_back", before, values);
  update_kernels.take_back(values.device(), values, before, control);
}

void swap_values(Tensor& a, Tensor& b) {
  check_like("swap", a, b);
  update_kernels.swap(a.device(), a, b);
}

}  // namespace salu
