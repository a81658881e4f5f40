// SPDX-License-Identifier: MIT
/// Networks by name.
#pragma once

#include "models/family.h"

namespace salu {

/// Builds and initializes a network. Throws ErrorCode::usage for unknown names, with the nearest known one.
std::unique_ptr<Model> make_model(const ModelConfig& config);
/// make_model() before the parameters are allocated and initialized.
std::unique_ptr<Model> build_model(const ModelConfig& config);

/// The norm of the network: the configured one, or its own default. Throws as make_model() does.
Norm norm_of(const ModelConfig& config);
/// True when `name`, which may be an alias, is a vision transformer: parameter names and good training
/// settings then differ from a ResNet's. Throws as make_model() does.
bool is_transformer(const std::string& name);
/// The flag of a configured setting that the network does not support, or "". Throws as make_model() does.
std::string unused_setting(const ModelConfig& config);
/// Resolves an alias (deit_tiny_patch16_224, vit_b_16, …) to its name in the registry.
std::string canonical_model_name(const std::string& name);

/// All names that make_model() knows, in the order of the help.
std::vector<std::string> model_names();

/// The aliases of a name: "vit_b_16, deit_base_patch16_224".
std::string aliases_of(const std::string& name);

/// The layers of one forward pass over one image, with parameters and multiply-adds.
std::vector<LayerRecord> summarize(Model& model, const ModelConfig& config);
/// The table that `--summary` prints.
std::string summary_table(Model& model, const ModelConfig& config);

}  // namespace salu
