// SPDX-License-Identifier: MIT
#include "run/interchange/onnx_graph.h"

#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>

#include <functional>
#include <numeric>

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

}  // namespace salu
