// SPDX-License-Identifier: MIT
#include "core/update.h"

namespace salu {

void measure_step(Tensor& control, const Tensor& gradients, const Tensor& loss) {
  check_shape("update", "control", control, {kControlSlots});
  check_shape("update", "loss", loss, {1});
  update_kernels.measure(control.device(), control, gradients, loss);
}

void update_parameters(UpdateBuffers& buffers, Tensor& control, const UpdateOptions& options) {
  check_shape("update", "control", control, {kControlSlots});
  check(options.range_count <= kMostRanges, "[update] expected at most {} ranges, got {}", kMostRanges,
        options.range_count);
  for (const Tensor& t : {buffers.gradients, buffers.first}) check_like("update", buffers.values, t);
  update_kernels.update(control.device(), buffers, control, options);
}

void blend(Tensor& average, const Tensor& value, double keep, const Tensor& control) {
  check_like("blend", value, average);
  update_kernels.blend(average.device(), average, value, keep, control);
}

void swap_values(Tensor& a, Tensor& b) {
  check_like("swap", a, b);
  update_kernels.swap(a.device(), a, b);
}

}  // namespace salu
