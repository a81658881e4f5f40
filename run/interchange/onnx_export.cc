// SPDX-License-Identifier: MIT
#include "run/interchange/onnx_export.h"

#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>

#include "run/interchange/onnx_ops.h"
#include "run/snapshot.h"

namespace salu {
namespace {

constexpr const char* kInput = "input";
constexpr const char* kOutput = "logits";

/// "layer1.0.conv1.weight" -> "layer1.0.conv1"; the op's name if it has no parameter.
std::string scope_of(const TracedOp& op, const OnnxGraph& graph) {
  for (const std::string& name : op.inputs) {
    if (graph.has_weight(name) && name.find('.') != std::string::npos) return name.substr(0, name.rfind('.'));
  }
  return op.node.op;
}

/// Runs the network once on a black image and translates every recorded op to ONNX, oldest first. The last
/// node gives the logits.
void trace(const Model& model, std::int64_t img_size, OnnxGraph& graph) {
  const Variable pixels(Tensor::zeros({1, img_size, img_size, 3}), true);
  std::map<const Node*, std::string> values{{pixels.node().get(), kInput}};
  for (const Parameter& p : model.store().parameters()) values[p.variable.node().get()] = p.name;
  Context context;
  const Variable logits = model.forward(pixels, context);
  std::vector<Node*> nodes = newest_first(logits.node().get());
  std::ranges::reverse(nodes);
  for (const Node* node : nodes) {
    if (values.contains(node)) continue;  // the image or a parameter
    TracedOp op{*node, {}};
    for (const auto& input : node->inputs) op.inputs.push_back(input ? values.at(input.get()) : "");
    graph.set_scope(scope_of(op, graph));
    values[node] = add_to_graph(graph, op);
  }
}

void describe(onnx::ValueInfoProto& value, const char* name, std::optional<std::int64_t> batch_size,
              std::initializer_list<std::int64_t> dims) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  onnx::TensorShapeProto& shape = *type.mutable_shape();
  if (batch_size) {
    shape.add_dim()->set_dim_value(*batch_size);
  } else {
    shape.add_dim()->set_dim_param("batch");
  }
  for (const std::int64_t d : dims) shape.add_dim()->set_dim_value(d);
}

void add_metadata(onnx::ModelProto& out, const ModelCard& card) {
  const auto add = [&](const std::string& key, const nlohmann::json& value) {
    onnx::StringStringEntryProto& entry = *out.add_metadata_props();
    entry.set_key(key);
    // --class-map may hold bytes that are not UTF-8.
    entry.set_value(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
  const nlohmann::json config = card_to_json(card);
  add("architecture", config.at("architecture"));
  for (const auto& [key, value] : config.at("pretrained_cfg").items()) add(key, value);
  add("class_names", card.class_names);
}

}  // namespace

std::string onnx_model(const Model& model, const ModelCard& card, std::optional<std::int64_t> batch_size) {
  onnx::ModelProto out;
  out.set_ir_version(8);  // the version of ONNX 1.12
  out.set_producer_name("salunet");
  out.add_opset_import()->set_version(kOnnxOpset);
  onnx::GraphProto& proto = *out.mutable_graph();
  proto.set_name(card.model.name);
  const std::int64_t side = card.model.img_size;
  describe(*proto.add_input(), kInput, batch_size, {3, side, side});
  describe(*proto.add_output(), kOutput, batch_size, {card.model.num_classes});

  OnnxGraph graph(proto, state_dict(model.store()));
  trace(model, side, graph);
  proto.mutable_node()->rbegin()->set_output(0, kOutput);
  add_metadata(out, card);

  onnx::checker::check_model(out);
  constexpr bool kCheckTypes = true, kStrict = true;
  onnx::shape_inference::InferShapes(out, onnx::OpSchemaRegistry::Instance(), {kCheckTypes, kStrict});
  return out.SerializeAsString();
}

}  // namespace salu
