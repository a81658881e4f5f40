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

/// A scalar argument of an op, kept for readers of the graph (run/interchange).
struct Attribute {
  template <class T>
  Attribute(const char* attribute, T number) : name(attribute), value(static_cast<double>(number)) {}
  const char* name;
  double value;
};

/// One recorded op, or one leaf. A node holds only what its backward pass reads: the closure owns the saved
/// tensors.
struct Node {
  /// Receives dL/d(output) and sets the gradients of the op's inputs.
  using Backward = std::function<void(const Tensor& dy, Gradients& gradients)>;

  const char* op = "leaf";
  Shape shape;
  DType dtype = DType::f32;
  Device device;
  std::uint64_t order = 0;                    ///< creation number: inputs always have a smaller one
  std::vector<std::shared_ptr<Node>> inputs;  ///< null where an input needs no gradient
  std::vector<Attribute> attributes;
  Backward backward;      ///< empty for leaves, and after the backward pass
  bool released = false;  ///< its backward pass has run
  bool visiting = false;  ///< visited flag of the engine's search
  int readers = 0;        ///< ops of this backward pass that have yet to add to `grad`
  Tensor grad;            ///< leaf: the sum so far; inner node: the gradient being accumulated

  ~Node();  // iterative: recursion over a chain of 100,000 ops would overflow the stack
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
  /// Makes a leaf accumulate its gradient in `buffer` (same shape), e.g. a view of the flat gradient buffer.
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
  /// False when the gradient of input i is not needed: skip its work.
  bool wanted(std::size_t i) const { return node_.inputs[i] != nullptr; }
  /// Activation gradients (contract "="): takes the tensor, or adds it to that of another path.
  void set(std::size_t i, Tensor gradient);
  /// Parameter gradients (contract "+="): the running sum, initially zero, to add to in place.
  Tensor& sum(std::size_t i);
  /// sum(i), or null when the gradient is not needed.
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

/// `root` and all nodes that it depends on, newest first. Inputs are older than the ops that read them, so
/// every op comes before its inputs.
std::vector<Node*> newest_first(Node* root);

/// Called during the backward pass for every leaf as soon as its gradient is complete.
using LeafListener = std::function<void(const Node& leaf)>;

/// Back-propagates from `output` and adds into the gradients of the leaves. `upstream` is dL/d(output); by
/// default 1, for which output must be a scalar. Throws ErrorCode::internal when the graph has been used
/// before (double backward is not supported) or output needs no gradient.
void backward(const Variable& output, Tensor upstream = {}, const LeafListener& complete = {});

}  // namespace salu
