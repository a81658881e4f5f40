// SPDX-License-Identifier: MIT
/// Operation graphs: what cuDNN is asked to do in one go. A graph only describes; plan.h finds code for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/ops/options.h"
#include "core/shape.h"
#include "cuda/library/descriptor.h"

namespace salu::cuda {

/// A tensor of a graph. Memory is bound to its id when a plan runs.
struct GraphTensor {
  std::int64_t id = 0;
  Shape shape;  ///< rank 4, the last dimension the densest: (N,H,W,C), (K,R,S,C)
};

/// A tensor that execution must bind to memory.
struct MemoryTensor {
  GraphTensor tensor;
  DType dtype;
  std::size_t bytes() const { return static_cast<std::size_t>(tensor.shape.numel()) * dtype_bytes(dtype); }
};

/// Tensors and the operations between them, in order. Convolutions accumulate in f32; so does everything that
/// stays in registers.
class OperationGraph {
 public:
  /// A tensor in memory, 16-byte aligned.
  GraphTensor tensor(const Shape& shape, DType dtype);
  /// One f32 in device memory.
  GraphTensor scalar() { return tensor({1, 1, 1, 1}, DType::f32); }
  /// An intermediate value that never reaches memory.
  GraphTensor value(const Shape& shape);

  /// The passes of core/ops/conv2d.h. dx is assigned; dw too, unless `add` (f32 only).
  void conv2d_forward(const GraphTensor& y, const GraphTensor& x, const GraphTensor& w,
                      Conv2dOptions options);
  void conv2d_backward_data(const GraphTensor& dx, const GraphTensor& dy, const GraphTensor& w,
                            Conv2dOptions options);
  void conv2d_backward_weight(const GraphTensor& dw, const GraphTensor& dy, const GraphTensor& x,
                              Conv2dOptions options, bool add);

  /// Elementwise; one of a and b may be a scalar. The result goes to `out`, or is a value.
  using Out = std::optional<GraphTensor>;
  GraphTensor mul(const GraphTensor& a, const GraphTensor& b, const Out& out = {});
  GraphTensor add(const GraphTensor& a, const GraphTensor& b, const Out& out = {});
  GraphTensor rsqrt(const GraphTensor& a);
  /// The sum of all elements, added in a fixed order.
  void sum(const GraphTensor& total, const GraphTensor& a);

  /// Call once, after the last operation.
  void finish();
  const Descriptor& descriptor() const { return *graph_; }
  /// Tensors and operations as text: equal for equal graphs, the key of caches.
  const std::string& text() const { return text_; }
  const std::vector<MemoryTensor>& memory_tensors() const { return memory_tensors_; }

 private:
  struct ConvolutionNames;
  GraphTensor add_tensor(const Shape& shape, DType dtype, bool in_memory);
  void convolution(const ConvolutionNames& names, const GraphTensor& x, const GraphTensor& w,
                   const GraphTensor& y, Conv2dOptions options, float beta);
  GraphTensor pointwise(cudnnPointwiseMode_t mode, const GraphTensor& a, const GraphTensor* b,
                        const Out& out);
  const Descriptor& at(const GraphTensor& t) const { return tensors_[static_cast<std::size_t>(t.id - 1)]; }

  std::vector<MemoryTensor> memory_tensors_;
  std::vector<Descriptor> tensors_;
  std::vector<Descriptor> parts_;  // what the operations refer to
  std::vector<Descriptor> operations_;
  std::optional<Descriptor> graph_;
  std::string text_;
};

}  // namespace salu::cuda
