// SPDX-License-Identifier: MIT
#include "cuda/library/convolution.h"

#include <array>
#include <map>

#include "core/ops/conv2d.h"
#include "cuda/kernels/accumulate.h"
#include "cuda/kernels/channels.h"
#include "cuda/library/handles.h"
#include "cuda/library/planned_graph.h"

namespace salu::cuda {
namespace {

struct PlannedConvolution {
  GraphTensor x, w, y;
  PlannedGraph planned;
};

using Key = std::array<std::int64_t, 14>;

Key key_of(const ConvolutionProblem& p, const LibraryOptions& library) {
  const Shape &x = p.x, &w = p.w;
  return {static_cast<int>(p.pass),
          static_cast<int>(p.dtype),
          x[0],
          x[1],
          x[2],
          x[3],
          w[0],
          w[1],
          w[2],
          w[3],
          p.options.stride,
          p.options.padding,
          library.deterministic,
          library.tf32};
}

PlannedConvolution plan(const ConvolutionProblem& problem, const LibraryOptions& library) {
  const ConvolutionGraph g = convolution_graph(problem);
  const PlanRules rules{.deterministic = library.deterministic,
                        .tensor_cores = problem.dtype == DType::bf16 || library.tf32,
                        .workspace = kWorkspaceBytes};
  return {g.x, g.w, g.y, PlannedGraph(g.graph, rules)};
}

/// cuDNN reads 16 bytes at a time, but a view into a tensor may start anywhere: copies if unaligned.
Tensor aligned(const Tensor& t) {
  return reinterpret_cast<std::uintptr_t>(t.raw()) % 16 == 0 ? t : t.clone();
}

/// x, w and y are the tensors of the forward pass or their gradients. The output must be aligned.
void run(const ConvolutionProblem& problem, const Tensor& x, const Tensor& w, const Tensor& y) {
  static std::map<Key, PlannedConvolution> plans;
  const LibraryOptions& library = library_options();
  const Key key = key_of(problem, library);
  auto found = plans.find(key);
  if (found == plans.end()) found = plans.emplace(key, plan(problem, library)).first;
  const PlannedConvolution& c = found->second;
  c.planned.run({{c.x, x.raw()}, {c.w, w.raw()}, {c.y, y.raw()}});
}

bool needs_padding(const Tensor& x) { return x.dtype() == DType::bf16 && x.dim(3) < kPaddedChannels; }

}  // namespace

void library_conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  const bool pad = needs_padding(x);
  const Tensor in = pad ? pad_channels(x) : aligned(x), filter = pad ? pad_channels(w) : aligned(w);
  run({ConvolutionPass::forward, x.dtype(), in.shape(), filter.shape(), options}, in, filter, y);
}

void library_conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  run({ConvolutionPass::backward_data, dy.dtype(), dx.shape(), w.shape(), options}, dx, aligned(w),
      aligned(dy));
}

void library_conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  const bool pad = needs_padding(x);
  const Tensor in = pad ? pad_channels(x) : aligned(x), gradient = aligned(dy);
  const ConvolutionProblem problem{ConvolutionPass::backward_weight, dy.dtype(), in.shape(),
                                   pad ? padded_channels(dw.shape()) : dw.shape(), options};
  if (dy.dtype() == DType::f32) return run(problem, in, dw, gradient);
  const Tensor part = Tensor::empty(problem.w, dy.dtype(), dw.device());
  run(problem, in, part, gradient);
  pad ? accumulate_channels(dw, part) : accumulate(dw, part);
}

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
