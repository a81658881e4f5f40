// SPDX-License-Identifier: MIT
/// The f32 convolution of the CPU, by oneDNN.
#pragma once

#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu::onednn {

/// Activations stay channels last; weights are reordered into oneDNN's own format on the way in and out. The
/// batch is cut into slices fixed by the shape, each on one thread, so results do not depend on the thread
/// count.
void conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options);
void conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options);
void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options);  ///< dw +=

}  // namespace salu::onednn
