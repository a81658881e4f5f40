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

/// Builder of a graph. Values are names; nodes are appended in the order of computation.
class OnnxGraph {
 public:
  using Ints = std::vector<std::int64_t>;
  struct Attribute {
    const char* name;
    std::variant<std::int64_t, double, Ints> value;
  };

  /// Appends to `graph`; weight(), tensor() and number() read `weights`.
  OnnxGraph(onnx::GraphProto& graph, const std::vector<NamedTensor>& weights);

  /// Names the following nodes "<scope>/Type_7".
  void set_scope(std::string scope) { scope_ = std::move(scope); }

  /// Appends a node and returns the name of its output.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});

  /// A tensor of the network under its own name, written to the graph on first use.
  std::string weight(const std::string& name);
  bool has_weight(const std::string& name) const { return weights_.contains(name); }
  const Tensor& tensor(const std::string& name) const;
  double number(const std::string& name) const;  ///< value of a one-element tensor

  std::string constant(double value, const Ints& dims = {});  ///< f32, all elements equal
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

/// Operator set version: the newest that ONNX 1.12 supports.
inline constexpr int kOnnxOpset = 17;

/// One op of the traced pass. Images are (N,H,W,C) here and (N,C,H,W) in the graph, tokens (B,T,D) in both.
struct TracedOp {
  const Node& node;
  std::vector<std::string> inputs;  ///< values of the graph; parameters under their own names

  int rank() const { return node.shape.rank(); }
  double attribute(const char* name) const;
  std::int64_t integer(const char* name) const { return static_cast<std::int64_t>(attribute(name)); }
};

/// Appends the nodes of `op` and returns the name of the result. Throws an error with the op's name when the
/// table kOps of onnx_ops.cc has no entry for it.
std::string add_to_graph(OnnxGraph& graph, const TracedOp& op);

}  // namespace salu
