// SPDX-License-Identifier: MIT
#include "cuda/library/convolution_graph.h"

#include "core/ops/conv2d.h"

namespace salu::cuda {

ConvolutionGraph convolution_graph(const ConvolutionProblem& problem) {
  const Shape y_shape = conv2d_output_shape(problem.x, problem.w, problem.options);
  OperationGraph graph;
  const GraphTensor x = graph.tensor(problem.x, problem.dtype), w = graph.tensor(problem.w, problem.dtype),
                    y = graph.tensor(y_shape, problem.dtype);
  switch (problem.pass) {
    case ConvolutionPass::forward:
      graph.conv2d_forward(y, x, w, problem.options);
      break;
    case ConvolutionPass::backward_data:
      graph.conv2d_backward_data(x, y, w, problem.options);
      break;
    case ConvolutionPass::backward_weight:
      graph.conv2d_backward_weight(w, y, x, problem.options, problem.dtype == DType::f32);
      break;
  }
  graph.finish();
  return {std::move(graph), x, w, y};
}

}  // namespace salu::cuda
