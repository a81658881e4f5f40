// SPDX-License-Identifier: MIT
/// The whole of reverse mode: visit the recorded ops from the newest to the oldest, hand each its output's
/// gradient.
#include <algorithm>

#include "autograd/variable.h"
#include "core/ops/arithmetic.h"
#include "core/profile.h"

namespace salu {
namespace {

/// Adds `gradient` to that of other paths. The first tensor may be shared (`add` passes one to both inputs),
/// and is then not changed in place.
void accumulate(Node& node, Tensor gradient) {
  check(gradient.shape() == node.shape && gradient.dtype() == node.dtype,
        "[{}] expected a gradient of shape {} {}, got {} {}", node.op, node.shape.str(),
        dtype_name(node.dtype), gradient.shape().str(), dtype_name(gradient.dtype()));
  if (!node.grad.defined()) {
    // A leaf keeps its gradient, so it must own it.
    const bool leaf = !node.backward;
    node.grad = leaf && !gradient.unique() ? gradient.clone() : std::move(gradient);
  } else if (node.grad.unique() || !node.backward) {
    add_in_place(node.grad, gradient);
  } else {
    node.grad = add_forward(node.grad, gradient);
  }
}

void count_readers(const std::vector<Node*>& nodes) {
  for (Node* node : nodes) node->readers = 0;
  for (const Node* node : nodes) {
    for (const auto& input : node->inputs) {
      if (input) ++input->readers;
    }
  }
}

}  // namespace

std::vector<Node*> newest_first(Node* root) {
  std::vector<Node*> found, stack{root};
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    if (node->visiting) continue;
    node->visiting = true;
    found.push_back(node);
    for (const auto& input : node->inputs) {
      if (input && !input->visiting) stack.push_back(input.get());
    }
  }
  for (Node* node : found) node->visiting = false;
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->order > b->order; });
  return found;
}

void Gradients::set(std::size_t i, Tensor gradient) {
  if (wanted(i)) accumulate(*node_.inputs[i], std::move(gradient));
}

Tensor& Gradients::sum(std::size_t i) {
  Node& input = *node_.inputs[i];
  if (!input.grad.defined()) {
    input.grad = Tensor::zeros(input.shape, parameter_dtype(input.dtype), input.device);
  } else if (input.backward && !input.grad.unique()) {
    input.grad = input.grad.clone();
  }
  return input.grad;
}

void backward(const Variable& output, Tensor upstream, const LeafListener& complete) {
  const ProfileScope pass(ProfilePass::backward);
  check(output.requires_grad(),
        "[backward] expected an output that depends on a variable with requires_grad");
  if (!upstream.defined()) {
    check(output.value().numel() == 1, "[backward] expected an upstream gradient for output {}",
          output.shape().str());
    upstream = Tensor::full(output.shape(), 1.0, output.value().dtype(), output.value().device());
  }
  const std::vector<Node*> nodes = newest_first(output.node().get());
  for (Node* node : nodes) {
    check(!node->released,
          "[backward] {}: this graph has been back-propagated already; expected one backward per forward "
          "(double "
          "backward is not supported). Run the forward again",
          node->op);
  }
  count_readers(nodes);
  accumulate(*output.node(), std::move(upstream));
  for (Node* node : nodes) {
    if (!node->backward) continue;
    if (node->grad.defined()) {
      const Tensor dy = std::move(node->grad);
      node->grad = {};
      Gradients gradients(*node);
      node->backward(dy, gradients);
    }
    node->backward = nullptr;  // frees the saved tensors
    node->released = true;
    for (const auto& input : node->inputs) {
      // An inner node still has its backward closure: it runs after its readers.
      if (input && --input->readers == 0 && !input->backward && complete) complete(*input);
    }
  }
}

}  // namespace salu
