// SPDX-License-Identifier: MIT
/// Variables and the graph behind them: eager, define by run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace salu {

class Gradients;

/// A number that an op was called with beside its tensors, kept for whoever reads the graph
/// (run/interchange).
struct Attribute {
  template <class T>
  Attribute(const char* attribute, T number) : name(attribute), value(static_cast<double>(number)) {}
  const char* name;
  double value;
};

/// One recorded op, or one leaf. A node holds only what its backward reads: the closure owns the saved
/// tensors.
struct Node {
  /// Receives the gradient of the loss with respect to the op's output, hands out those of its inputs.
  using Backward = std::function<void(const Tensor& dy, Gradients& gradients)>;

  const char* op = "leaf";
  Shape shape;
  DType dtype = DType::f32;
  Device device;
  std::uint64_t order = 0;                    ///< creation number: inputs always have a smaller one
  std::vector<std::shared_ptr<Node>> inputs;  ///< null where an input needs no gradient
  std::vector<Attribute> attributes;
  Backward backward;      ///< empty for leaves, and after the backward pass
  bool released = false;  ///< the backward pass has been here
  bool visiting = false;  ///< mark of the engine's search
  int readers = 0;        ///< ops of this backward pass that have yet to add to `grad`
  Tensor grad;            ///< leaf: the sum so far; inner node: the gradient on its way

  ~Node();  // iterative: a chain of 100,000 ops must not overflow the stack
};

/// A tensor and its place in the graph. Copying copies the handle.
class Variable {
 public:
  Variable() = default;
  /// A leaf; with `requires_grad` its gradient is summed up by backward().
  explicit Variable(Tensor value, bool requires_grad = false);
  Variable(Tensor value, std::shared_ptr<Node> node) : value_(std::move(value)), node_(std::move(node)) {}

  const Tensor& value() const { return value_; }
  Tensor& value() { return value_; }
  const Shape& shape() const { return value_.shape(); }
  std::int64_t dim(int i) const { return value_.dim(i); }
  bool defined() const { return value_.defined(); }
  bool requires_grad() const { return node_ != nullptr; }
  /// The gradient of a leaf; undefined before the first backward().
  const Tensor& grad() const;
  /// Lets a leaf add its gradient into `buffer` (same shape), e.g. a view of the flat gradient buffer.
  void set_grad(Tensor buffer);
  const std::shared_ptr<Node>& node() const { return node_; }

 private:
  Tensor value_;
  std::shared_ptr<Node> node_;
};

/// Receives the gradients of the inputs from a backward closure.
class Gradients {
 public:
  explicit Gradients(Node& node) : node_(node) {}
  /// False when nobody asks for the gradient of input i: skip the work.
  bool wanted(std::size_t i) const { return node_.inputs[i] != nullptr; }
  /// Activation gradients (contract "="): takes the tensor, adding it if another path was here first.
  void set(std::size_t i, Tensor gradient);
  /// Parameter gradients (contract "+="): the running sum, zero at first, to be added to in place.
  Tensor& sum(std::size_t i);
  /// The same for a kernel that skips what nobody asks for: null then.
  Tensor* sum_if_wanted(std::size_t i) { return wanted(i) ? &sum(i) : nullptr; }

 private:
  Node& node_;
};

/// While alive, ops on this thread record nothing: for evaluation.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

namespace detail {
Variable record(const char* op, Tensor y, const std::vector<Variable>& inputs, Node::Backward backward,
                std::initializer_list<Attribute> attributes);
bool any_requires_grad(const std::vector<Variable>& inputs);
}  // namespace detail

/// Wraps the output of an op. `backward(dy, gradients)` is kept only when some input needs a gradient.
template <class Backward>
Variable record(const char* op, Tensor y, const std::vector<Variable>& inputs, Backward&& backward,
                std::initializer_list<Attribute> attributes = {}) {
  if (!detail::any_requires_grad(inputs)) return Variable(std::move(y));
  return detail::record(op, std::move(y), inputs, std::forward<Backward>(backward), attributes);
}

/// All nodes that `root` depends on and itself, newest first. Inputs are older than the ops that read them,
/// so that every op stands before its inputs.
std::vector<Node*> newest_first(Node* root);

/// Called for every leaf of the graph as soon as its gradient is complete, while the pass goes on.
using LeafListener = std::function<void(const Node& leaf)>;

/// Back-propagates from `output` and adds into the gradients of the leaves.
/// `upstream` is dL/d output; left out, output must be a scalar and 1 is taken. Throws ErrorCode::internal
/// when the graph has been used before (double backward is not supported) or output needs no gradient.
void backward(const Variable& output, Tensor upstream = {}, const LeafListener& complete = {});

}  // namespace salu
