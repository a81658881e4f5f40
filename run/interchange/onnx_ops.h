// SPDX-License-Identifier: MIT
/// An ONNX graph under construction, and each op of a forward pass in ONNX.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "autograd/variable.h"
#include "run/safetensors.h"

namespace onnx {
class GraphProto;
}

namespace salu {

/// Values are names; nodes are appended in the order of computation.
class OnnxGraph {
 public:
  using Ints = std::vector<std::int64_t>;
  struct Attribute {
    const char* name;
    std::variant<std::int64_t, double, Ints> value;
  };

  /// Appends to `graph`; weight(), tensor() and number() look up `weights`.
  OnnxGraph(onnx::GraphProto& graph, const std::vector<NamedTensor>& weights);

  /// The nodes that follow are named "<scope>/Type_7".
  void set_scope(std::string scope) { scope_ = std::move(scope); }

  /// Appends a node and returns the name of its output.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});

  /// A tensor of the network under its own name, written to the graph when it is first asked for.
  std::string weight(const std::string& name);
  bool has_weight(const std::string& name) const { return weights_.contains(name); }
  const Tensor& tensor(const std::string& name) const;
  double number(const std::string& name) const;  ///< of a tensor of one element

  std::string constant(double value, const Ints& dims = {});  ///< f32, all elements alike
  std::string scalar(std::int64_t value);                     ///< i64 without dimensions
  std::string constant(const Ints& values);                   ///< i64 of one dimension

 private:
  std::string initializer(const std::string& name, int type, const Ints& dims, const void* data,
                          std::size_t bytes);

  onnx::GraphProto& graph_;
  std::map<std::string, Tensor> weights_;
  std::set<std::string> written_;
  std::string scope_;
  int nodes_ = 0;
};

/// Operators are those of this version of the default domain, the newest that ONNX 1.12 knows.
inline constexpr int kOnnxOpset = 17;

/// One op of the pass. Images are (N,H,W,C) here and (N,C,H,W) in the graph, tokens (B,T,D) in both.
struct TracedOp {
  const Node& node;
  std::vector<std::string> inputs;  ///< values of the graph; parameters by their names

  int rank() const { return node.shape.rank(); }
  double attribute(const char* name) const;
  std::int64_t integer(const char* name) const { return static_cast<std::int64_t>(attribute(name)); }
};

/// Appends the nodes that compute `op`; returns the name of the result. An op without a line in the table
/// kOps of onnx_ops.cc is an error that names it.
std::string add_to_graph(OnnxGraph& graph, const TracedOp& op);

}  // namespace salu
