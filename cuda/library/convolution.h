// SPDX-License-Identifier: MIT
/// Convolutions through cuDNN, each pass and shape with the plan that was fastest on this GPU.
#pragma once

#include "core/tensor.h"
#include "cuda/library/plan.h"

namespace salu::cuda {

/// The passes of core/ops/conv2d.h in f32 and bf16. bf16 images with few channels are padded
/// (cuda/kernels/channels.h). The first call for a shape measures plans (planned_graph.h).
void library_conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options);
void library_conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options);
/// Adds to dw, which is f32 even when dy and x are bf16.
void library_conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options);

enum class ConvolutionPass { forward, backward_data, backward_weight };

/// One pass of one convolution of core/ops/conv2d.h.
struct ConvolutionProblem {
  ConvolutionPass pass;
  DType dtype;  ///< of x, w, y and their gradients
  Shape x, w;
  Conv2dOptions options;
};

struct ConvolutionGraph {
  OperationGraph graph;
  GraphTensor x, w, y;  ///< or their gradients
};

/// The pass as a cuDNN graph; needs no device. An f32 weight gradient is added to w. A bf16 one is assigned,
/// because cuDNN has no bf16 convolution with an f32 result.
ConvolutionGraph convolution_graph(const ConvolutionProblem& problem);

}  // namespace salu::cuda
