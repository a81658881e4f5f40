// SPDX-License-Identifier: MIT
/// The passes of core/ops/conv2d.h through cuDNN: f32 and bf16, each shape with the plan that was fastest on
/// this GPU. bf16 pictures of few channels are padded (channels.h). The first call for a shape measures
/// (planned_graph.h).
#pragma once

#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu::cuda {

void library_conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options);
void library_conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options);
/// Adds to dw, which is f32 also when dy and x are bf16.
void library_conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options);

}  // namespace salu::cuda
