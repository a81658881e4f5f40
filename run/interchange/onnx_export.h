// SPDX-License-Identifier: MIT
/// A trained network as an ONNX file, for runtimes of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "run/model_card.h"

namespace salu {

/// The bytes of a .onnx file. Input `input` (N,3,S,S): normalized pixels, S the card's image size. Output
/// `logits` (N,classes). N is `batch_size`, or dynamic without it. Weights have PyTorch's names and layouts;
/// the metadata holds the card's preprocessing and class names, each as JSON. The result has passed ONNX's
/// own checker. Throws ErrorCode::environment in a build without ONNX.
std::string onnx_model(const Model& model, const ModelCard& card, std::optional<std::int64_t> batch_size);

}  // namespace salu
