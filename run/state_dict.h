// SPDX-License-Identifier: MIT
/// Between a network and named tensors in PyTorch's layouts: filters (O,I,H,W), matrices (out,in).
#pragma once

#include "models/model.h"
#include "run/safetensors.h"

namespace salu {

/// Parameters and running statistics under their names, copied. `values`, laid out like the flat buffer,
/// replaces the live parameters: optimizer state or averages; `buffers` (may be null) the running statistics.
std::vector<NamedTensor> named_tensors(const ParameterStore& store, const Tensor& values,
                                       const std::vector<Tensor>* buffers, const std::string& prefix);
/// The network as PyTorch's state_dict() would give it.
std::vector<NamedTensor> state_dict(const ParameterStore& store);

/// Copies tensors named `prefix` + name into `values` and `buffers`. Throws ErrorCode::checkpoint listing the
/// first missing, unexpected and differently shaped names when anything does not fit; `file` is named in the
/// message.
void read_named_tensors(const ParameterStore& store, const std::vector<NamedTensor>& tensors,
                        const std::string& prefix, Tensor& values, std::vector<Tensor>* buffers,
                        const std::string& file);
void load_state_dict(ParameterStore& store, const std::vector<NamedTensor>& tensors, const std::string& file);

/// "" or the name of the first tensor with a value that is not finite.
std::string first_non_finite(const std::vector<NamedTensor>& tensors);

}  // namespace salu
