// SPDX-License-Identifier: MIT
#include "run/interchange/onnx_ops.h"

#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <string_view>

#include "core/ops/options.h"
#include "core/ops/salu_math.h"

namespace salu {
namespace {

void set_value(onnx::AttributeProto& out, std::int64_t value) {
  out.set_type(onnx::AttributeProto::INT);
  out.set_i(value);
}
void set_value(onnx::AttributeProto& out, double value) {
  out.set_type(onnx::AttributeProto::FLOAT);
  out.set_f(static_cast<float>(value));
}
void set_value(onnx::AttributeProto& out, const OnnxGraph::Ints& values) {
  out.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t v : values) out.add_ints(v);
}

using Graph = OnnxGraph;
using Ints = OnnxGraph::Ints;
using Value = std::string;

// Conversion between our order of dimensions and the graph's.

Value to_channels_last(Graph& g, const Value& x) {
  return g.add("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
}
Value to_channels_first(Graph& g, const Value& x) {
  return g.add("Transpose", {x}, {{"perm", Ints{0, 3, 1, 2}}});
}
Value swap_tokens_and_channels(Graph& g, const Value& x) {
  return g.add("Transpose", {x}, {{"perm", Ints{0, 2, 1}}});
}

/// A parameter (C), reshaped to broadcast over a value of the op's rank.
Value per_channel(Graph& g, const TracedOp& op, const std::string& name) {
  const Value w = g.weight(name);
  return op.rank() == 4 ? g.add("Unsqueeze", {w, g.constant(Ints{1, 2})}) : w;
}

/// gamma_c x + beta_c; gamma is input i of the op, beta the next.
Value affine(Graph& g, const TracedOp& op, const Value& x, std::size_t i) {
  const Value scaled = g.add("Mul", {x, per_channel(g, op, op.inputs[i])});
  return g.add("Add", {scaled, per_channel(g, op, op.inputs[i + 1])});
}

// The SALU family.

/// factor S z / sqrt(1 + z^2), z = x/W, written as x / sqrt(u + v x^2) with u = (W / (factor S))^2, v = 1 /
/// (factor S)^2. The stored a and b are inputs i and i + 1 of the op; `positive` names the attribute with
/// their parametrization. x is limited to |z| <= 1e9, where the f32 curve equals its limit, because x^2 could
/// overflow.
Value curve(Graph& g, const TracedOp& op, const Value& x, std::size_t i, const char* positive = "positive",
            double factor = 1) {
  const double a = g.number(op.inputs[i]), b = g.number(op.inputs[i + 1]);
  const Curve<double> c = curve_of({a, b, static_cast<Positive>(op.integer(positive))});
  const double limit = 1e9 / c.inv_w, height = factor * c.s;
  const Value bounded = g.add("Clip", {x, g.constant(-limit), g.constant(limit)});
  const Value square = g.add("Mul", {bounded, bounded});
  const Value scaled = g.add("Mul", {square, g.constant(1 / (height * height))});
  const Value sum = g.add("Add", {scaled, g.constant(std::pow(height * c.inv_w, -2))});
  return g.add("Div", {bounded, g.add("Sqrt", {sum})});
}

/// x/2 (1 + s(t)), s the curve.
Value gated(Graph& g, const TracedOp& op, const Value& x, const Value& t, std::size_t i,
            const char* positive = "positive") {
  return g.add("Mul", {x, g.add("Add", {curve(g, op, t, i, positive, 0.5), g.constant(0.5)})});
}

/// sqrt(2/pi) (x + 0.044715 x^3)
Value psi(Graph& g, const Value& x) {
  const double root = std::sqrt(2 / std::numbers::pi);
  const Value cubic = g.add("Mul", {g.add("Mul", {x, x}), g.constant(0.044715 * root)});
  return g.add("Mul", {x, g.add("Add", {cubic, g.constant(root)})});
}

Value salu(Graph& g, const TracedOp& op) { return curve(g, op, op.inputs[0], 1); }
Value swalu(Graph& g, const TracedOp& op) { return gated(g, op, op.inputs[0], op.inputs[0], 1); }
Value galu(Graph& g, const TracedOp& op) { return gated(g, op, op.inputs[0], psi(g, op.inputs[0]), 1); }

Value salu_swalu(Graph& g, const TracedOp& op) {
  const Value s = curve(g, op, op.inputs[0], 1);
  return gated(g, op, s, s, 3, "gate_positive");
}

Value salu_add_swalu(Graph& g, const TracedOp& op) {
  const Value s = g.add("Add", {curve(g, op, op.inputs[0], 2), op.inputs[1]});
  return gated(g, op, s, s, 4, "gate_positive");
}

// Other activations.

Value prelu(Graph& g, const TracedOp& op) { return g.add("PRelu", {op.inputs[0], g.weight(op.inputs[1])}); }
Value swish(Graph& g, const TracedOp& op) {
  return g.add("Mul", {op.inputs[0], g.add("Sigmoid", {op.inputs[0]})});
}

Value gelu(Graph& g, const TracedOp& op) {
  const Value& x = op.inputs[0];
  const bool exact = static_cast<GeluKind>(op.integer("kind")) == GeluKind::erf;
  const Value t =
      exact ? g.add("Erf", {g.add("Div", {x, g.constant(std::numbers::sqrt2)})}) : g.add("Tanh", {psi(g, x)});
  return g.add("Mul", {g.add("Mul", {x, g.add("Add", {t, g.constant(1)})}), g.constant(0.5)});
}

// Norms and their replacements.

/// ONNX's channels are dimension 1, as in its images; tokens have them last.
Value batch_norm(Graph& g, const TracedOp& op) {
  const std::string& gamma = op.inputs[1];
  const std::string layer = gamma.substr(0, gamma.rfind('.') + 1);
  const bool tokens = op.rank() == 3;
  const Value x = tokens ? swap_tokens_and_channels(g, op.inputs[0]) : op.inputs[0];
  const Value y = g.add("BatchNormalization",
                        {x, g.weight(gamma), g.weight(op.inputs[2]), g.weight(layer + "running_mean"),
                         g.weight(layer + "running_var")},
                        {{"epsilon", op.attribute("eps")}});
  return tokens ? swap_tokens_and_channels(g, y) : y;
}

Value layer_norm(Graph& g, const TracedOp& op) {
  const bool image = op.rank() == 4;
  const Value x = image ? to_channels_last(g, op.inputs[0]) : op.inputs[0];
  const Value y = g.add("LayerNormalization", {x, g.weight(op.inputs[1]), g.weight(op.inputs[2])},
                        {{"axis", std::int64_t{-1}}, {"epsilon", op.attribute("eps")}});
  return image ? to_channels_first(g, y) : y;
}

/// Each group becomes one channel of an instance normalization.
Value group_norm(Graph& g, const TracedOp& op) {
  const std::int64_t groups = op.integer("groups");
  const Shape& s = op.node.shape;
  const Value grouped = g.add("Reshape", {op.inputs[0], g.constant(Ints{0, groups, -1})});
  const Value h = g.add("InstanceNormalization", {grouped, g.constant(1, {groups}), g.constant(0, {groups})},
                        {{"epsilon", op.attribute("eps")}});
  const Ints shape = op.rank() == 4 ? Ints{0, s[3], s[1], s[2]} : Ints{0, s[1]};
  return affine(g, op, g.add("Reshape", {h, g.constant(shape)}), 1);
}

Value dyt(Graph& g, const TracedOp& op) {
  const Value u = g.add("Mul", {op.inputs[0], g.weight(op.inputs[1])});
  return affine(g, op, g.add("Tanh", {u}), 2);
}

Value derf(Graph& g, const TracedOp& op) {
  const Value u = g.add("Mul", {op.inputs[0], g.weight(op.inputs[1])});
  return affine(g, op, g.add("Erf", {g.add("Add", {u, g.weight(op.inputs[2])})}), 3);
}

// Sums, products, pooling.

Value add(Graph& g, const TracedOp& op) { return g.add("Add", {op.inputs[0], op.inputs[1]}); }

Value conv2d(Graph& g, const TracedOp& op) {
  const std::int64_t stride = op.integer("stride");
  return g.add("Conv", {op.inputs[0], g.weight(op.inputs[1])},
               {{"strides", Ints{stride, stride}}, {"pads", Ints(4, op.integer("padding"))}});
}

Value linear(Graph& g, const TracedOp& op) {
  const Value &x = op.inputs[0], &w = g.weight(op.inputs[1]), &b = g.weight(op.inputs[2]);
  const Tensor& matrix = g.tensor(w);
  if (matrix.shape().rank() ==
      4) {  // patch embedding: a filter in PyTorch's layout, its stride the patch size
    const Value y = g.add("Conv", {x, w, b}, {{"strides", Ints{matrix.dim(2), matrix.dim(3)}}});
    const Value flat = g.add("Reshape", {y, g.constant(Ints{0, 0, -1})});  // (B,D,h,w) -> (B,D,T)
    return swap_tokens_and_channels(g, flat);
  }
  if (op.rank() == 2) return g.add("Gemm", {x, w, b}, {{"transB", std::int64_t{1}}});
  const Value transposed = g.add("Transpose", {w}, {{"perm", Ints{1, 0}}});
  return g.add("Add", {g.add("MatMul", {x, transposed}), b});
}

Value max_pool2d(Graph& g, const TracedOp& op) {
  const std::int64_t kernel = op.integer("kernel"), stride = op.integer("stride");
  return g.add("MaxPool", {op.inputs[0]},
               {{"kernel_shape", Ints{kernel, kernel}},
                {"strides", Ints{stride, stride}},
                {"pads", Ints(4, op.integer("padding"))}});
}

Value global_avg_pool(Graph& g, const TracedOp& op) {
  return g.add("Flatten", {g.add("GlobalAveragePool", {op.inputs[0]})});
}

/// Takes the batch dimension from the value, the others from the traced pass.
Value view(Graph& g, const TracedOp& op) {
  if (g.has_weight(op.inputs[0])) return op.inputs[0];  // a parameter: its own shape broadcasts as well
  const Shape& from = op.node.inputs[0]->shape;
  Ints dims{0};
  for (int i = 1; i < op.rank(); ++i) dims.push_back(op.node.shape[i]);
  const Value x = from.rank() == 4 ? to_channels_last(g, op.inputs[0]) : op.inputs[0];
  const Value y = g.add("Reshape", {x, g.constant(dims)});
  return op.rank() == 4 ? to_channels_first(g, y) : y;
}

// Tokens.

/// A no-op: the filter of the following linear layer reads the image.
Value patchify(Graph&, const TracedOp& op) { return op.inputs[0]; }

/// Prepends a row of zeros to (B,T,D), then adds [cls + position 0; position 1; …].
Value embed_tokens(Graph& g, const TracedOp& op) {
  const std::int64_t tokens = op.node.shape[1] - 1;
  const Value x = g.add("Pad", {op.inputs[0], g.constant(Ints{0, 1, 0, 0, 0, 0})});
  const Value cls = g.add("Pad", {g.weight(op.inputs[1]), g.constant(Ints{0, 0, 0, 0, tokens, 0})});
  return g.add("Add", {x, g.add("Add", {cls, g.weight(op.inputs[2])})});
}

Value attention(Graph& g, const TracedOp& op) {
  const std::int64_t tokens = op.node.shape[1], width = op.node.shape[2], heads = op.integer("heads");
  const Value parts = g.add("Reshape", {op.inputs[0], g.constant(Ints{0, tokens, 3, heads, width / heads})});
  const Value qkv = g.add("Transpose", {parts}, {{"perm", Ints{2, 0, 3, 1, 4}}});  // (3,B,heads,T,D/heads)
  const auto part = [&](std::int64_t i) {
    return g.add("Gather", {qkv, g.scalar(i)}, {{"axis", std::int64_t{0}}});
  };
  const Value k = g.add("Transpose", {part(1)}, {{"perm", Ints{0, 1, 3, 2}}});
  const Value q = g.add("Mul", {part(0), g.constant(op.attribute("scale"))});
  const Value p = g.add("Softmax", {g.add("MatMul", {q, k})}, {{"axis", std::int64_t{-1}}});  // (B,heads,T,T)
  const Value y = g.add("Transpose", {g.add("MatMul", {p, part(2)})}, {{"perm", Ints{0, 2, 1, 3}}});
  return g.add("Reshape", {y, g.constant(Ints{0, tokens, width})});
}

Value select_token(Graph& g, const TracedOp& op) {
  return g.add("Gather", {op.inputs[0], g.scalar(op.integer("index"))}, {{"axis", std::int64_t{1}}});
}

/// The supported ops. A new op needs a function above and its name here.
constexpr std::pair<std::string_view, Value (*)(Graph&, const TracedOp&)> kOps[] = {
    {"add", add},
    {"attention", attention},
    {"batch_norm", batch_norm},
    {"conv2d", conv2d},
    {"derf", derf},
    {"dyt", dyt},
    {"embed_tokens", embed_tokens},
    {"galu", galu},
    {"gelu", gelu},
    {"global_avg_pool", global_avg_pool},
    {"group_norm", group_norm},
    {"hardswish", [](Graph& g, const TracedOp& op) { return g.add("HardSwish", {op.inputs[0]}); }},
    {"layer_norm", layer_norm},
    {"linear", linear},
    {"max_pool2d", max_pool2d},
    {"patchify", patchify},
    {"prelu", prelu},
    {"relu", [](Graph& g, const TracedOp& op) { return g.add("Relu", {op.inputs[0]}); }},
    {"salu", salu},
    {"salu_add_swalu", salu_add_swalu},
    {"salu_swalu", salu_swalu},
    {"select_token", select_token},
    {"swalu", swalu},
    {"swish", swish},
    {"view", view},
};

}  // namespace

OnnxGraph::OnnxGraph(onnx::GraphProto& graph, const std::vector<NamedTensor>& weights) : graph_(graph) {
  for (const NamedTensor& t : weights) weights_[t.name] = t.tensor;
}

std::string OnnxGraph::add(const char* type, const std::vector<std::string>& inputs,
                           const std::vector<Attribute>& attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(fmt::format("{}{}{}_{}", scope_, scope_.empty() ? "" : "/", type, nodes_++));
  for (const std::string& name : inputs) node.add_input(name);
  for (const Attribute& a : attributes) {
    onnx::AttributeProto& out = *node.add_attribute();
    out.set_name(a.name);
    std::visit([&](const auto& value) { set_value(out, value); }, a.value);
  }
  node.add_output(node.name());
  return node.name();
}

std::string OnnxGraph::initializer(const std::string& name, int type, const Ints& dims, const void* data,
                                   std::size_t bytes) {
  if (!written_.insert(name).second) return name;
  onnx::TensorProto& out = *graph_.add_initializer();
  out.set_name(name);
  out.set_data_type(type);
  for (const std::int64_t d : dims) out.add_dims(d);
  out.set_raw_data(data, bytes);
  return name;
}

const Tensor& OnnxGraph::tensor(const std::string& name) const {
  const auto found = weights_.find(name);
  check(found != weights_.end(), "[onnx] expected the name of a weight, got '{}'", name);
  return found->second;
}

double OnnxGraph::number(const std::string& name) const { return tensor(name).values<double>().at(0); }

std::string OnnxGraph::weight(const std::string& name) {
  const Tensor& t = tensor(name);
  Ints dims;
  for (int i = 0; i < t.shape().rank(); ++i) dims.push_back(t.dim(i));
  const auto bytes = static_cast<std::size_t>(t.numel()) * sizeof(float);
  return initializer(name, onnx::TensorProto::FLOAT, dims, t.data<float>(), bytes);
}

std::string OnnxGraph::constant(double value, const Ints& dims) {
  const auto single = static_cast<float>(value);
  const auto count = std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
  const std::vector<float> values(static_cast<std::size_t>(count), single);
  return initializer(fmt::format("{}f{}", single, fmt::join(dims, "x")), onnx::TensorProto::FLOAT, dims,
                     values.data(), values.size() * sizeof(float));
}

std::string OnnxGraph::scalar(std::int64_t value) {
  return initializer(std::to_string(value), onnx::TensorProto::INT64, {}, &value, sizeof value);
}

std::string OnnxGraph::constant(const Ints& values) {
  return initializer(fmt::format("{}", values), onnx::TensorProto::INT64,
                     {static_cast<std::int64_t>(values.size())}, values.data(),
                     values.size() * sizeof(std::int64_t));
}

double TracedOp::attribute(const char* name) const {
  for (const Attribute& a : node.attributes) {
    if (std::string_view(a.name) == name) return a.value;
  }
  fail(ErrorCode::internal, "[onnx] {}: expected the attribute {}, got a node without it", node.op, name);
}

std::string add_to_graph(OnnxGraph& graph, const TracedOp& op) {
  for (const auto& [name, add_nodes] : kOps) {
    if (name == op.node.op) return add_nodes(graph, op);
  }
  fail(ErrorCode::internal,
       "[onnx] {}: no ONNX operators are known for it; expected an op of run/interchange/onnx_ops.cc",
       op.node.op);
}

}  // namespace salu
