// SPDX-License-Identifier: MIT
#include "autograd/variable.h"

#include <atomic>

namespace salu {
namespace {

thread_local bool recording = true;

std::shared_ptr<Node> make_node(const char* op, const Tensor& y) {
  static std::atomic<std::uint64_t> created{0};
  auto node = std::make_shared<Node>();
  node->op = op;
  node->shape = y.shape();
  node->dtype = y.dtype();
  node->device = y.device();
  node->order = created++;
  return node;
}

}  // namespace

Node::~Node() {
  std::vector<std::shared_ptr<Node>> owned = std::move(inputs);
  while (!owned.empty()) {
    std::shared_ptr<Node> node = std::move(owned.back());
    owned.pop_back();
    if (node && node.use_count() == 1) {
      for (auto& input : node->inputs) owned.push_back(std::move(input));
      node->inputs.clear();
    }
  }
}

Variable::Variable(Tensor value, bool requires_grad) : value_(std::move(value)) {
  if (requires_grad) node_ = make_node("leaf", value_);
}

const Tensor& Variable::grad() const {
  check(node_ != nullptr, "[grad] expected a variable that requires a gradient, got one that does not");
  return node_->grad;
}

void Variable::set_grad(Tensor buffer) {
  check(node_ && !node_->backward, "[grad] expected a leaf that requires a gradient");
  check_shape("grad", "buffer", buffer, value_.shape());
  check_parameter("grad", "buffer", buffer, value_);
  node_->grad = std::move(buffer);
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }

namespace detail {

bool any_requires_grad(const std::vector<Variable>& inputs) {
  if (!recording) return false;
  for (const Variable& v : inputs) {
    if (v.requires_grad()) return true;
  }
  return false;
}

Variable record(const char* op, Tensor y, const std::vector<Variable>& inputs, Node::Backward backward,
                std::initializer_list<Attribute> attributes) {
  auto node = make_node(op, y);
  node->inputs.reserve(inputs.size());
  for (const Variable& v : inputs) node->inputs.push_back(v.node());
  node->attributes = attributes;
  node->backward = std::move(backward);
  return Variable(std::move(y), std::move(node));
}

}  // namespace detail
}  // namespace salu
