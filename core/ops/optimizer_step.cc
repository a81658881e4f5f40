// SPDX-License-Identifier: MIT
#include "core/ops/optimizer_step.h"

#include <algorithm>
#include <cstring>

namespace salu {

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
