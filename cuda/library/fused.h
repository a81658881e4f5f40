// SPDX-License-Identifier: MIT
/// Convolutions fused with the SALU family, as graphs that cuDNN compiles itself. They are for measurement:
/// bench/bench_fused.cc compares each with the convolution's own plan followed by our activation kernel. An
/// op may take a fusion once a GPU shows that it is faster; none does yet.
#pragma once

#include <string>
#include <vector>

#include "cuda/library/convolution.h"

namespace salu::cuda {

enum class Fusion {
  salu,                 ///< c = conv(x, w), y = SALU(c)
  salu_swalu,           ///< c = conv(x, w), y = SWALU(SALU(c))
  salu_add_swalu,       ///< c = conv(x, w), y = SWALU(SALU(c) + residual)
  salu_backward,        ///< dc = SALU'(c) g, g = the convolution's gradient dx; two sums
  salu_swalu_backward,  ///< dc = (SWALU SALU)'(c) g; four sums
};

/// The scalars of a curve in device memory (core/ops/salu_math.h).
struct CurveTensors {
  GraphTensor s, inv_w;  ///< inputs
  GraphTensor p, d;      ///< backward only: the sums, outputs
};

/// A fused graph; members that its fusion lacks keep id 0. Activations are bf16.
struct FusedGraph {
  OperationGraph graph;
  GraphTensor x, w;       ///< in backward, x is g, which is never written to memory
  GraphTensor dy;         ///< backward: the gradient of the convolution's output; input
  GraphTensor c;          ///< output of forward, input of backward
  GraphTensor residual;   ///< input
  GraphTensor result;     ///< y, or dc
  GraphTensor one, half;  ///< constants in device memory; inputs
  CurveTensors stabilizer, gate;
};

struct FusedCandidate {
  std::string name;
  Fusion fusion;
  Shape x, w;  ///< shapes of the convolution's forward pass
  Conv2dOptions options;
};

FusedGraph fused_graph(const FusedCandidate& candidate);
/// The same convolution, unfused.
ConvolutionGraph convolution_alone(const FusedCandidate& candidate);

/// The fusions to measure: the shapes of ResNet-18 on 32 x 32 and ResNet-50 on 224 x 224 images with the most
/// memory traffic. Backward at stride 1 only: at stride 2 cuDNN 9.19 generates code with sums that does not
/// compile.
std::vector<FusedCandidate> fused_candidates();

}  // namespace salu::cuda
