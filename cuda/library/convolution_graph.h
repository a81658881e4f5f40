// SPDX-License-Identifier: MIT
/// Convolutions as cuDNN graphs; needs no device.
#pragma once

#include "cuda/library/plan.h"

namespace salu::cuda {

enum class ConvolutionPass { forward, backward_data, backward_weight };

/// One pass of one convolution of core/ops/conv2d.h.
struct ConvolutionProblem {
  ConvolutionPass pass;
  DType dtype;  ///< of x, w and y, and of their gradients
  Shape x, w;
  Conv2dOptions options;
};

struct ConvolutionGraph {
  OperationGraph graph;
  GraphTensor x, w, y;  ///< or their gradients
};

/// An f32 weight gradient is added to what is there. In bf16 it is assigned, as cuDNN knows no bf16
/// convolution with an f32 result.
ConvolutionGraph convolution_graph(const ConvolutionProblem& problem);

}  // namespace salu::cuda
