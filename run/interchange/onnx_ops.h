// SPDX-License-Identifier: MIT
/// How each op of a forward pass is said in ONNX.
#pragma once

#include "autograd/variable.h"
#include "run/interchange/onnx_graph.h"

namespace salu {

/// Operators are those of this version of the default domain, the newest that ONNX 1.12 knows.
inline constexpr int kOnnxOpset = 17;

/// One op of the pass. Pictures are (N,H,W,C) here and (N,C,H,W) in the graph, tokens (B,T,D) in both.
struct TracedOp {
  const Node& node;
  std::vector<std::string> inputs;  ///< values of the graph; parameters by their names

  int rank() const { return node.shape.rank(); }
  double attribute(const char* name) const;
  std::int64_t integer(const char* name) const { return static_cast<std::int64_t>(attribute(name)); }
};

/// Appends what `op` computes; returns the name of the result. An op without a line in the table at the end
/// of ops.cc is an error that names it.
std::string add_to_graph(OnnxGraph& graph, const TracedOp& op);

}  // namespace salu
