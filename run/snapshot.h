// SPDX-License-Identifier: MIT
/// Copies a running training into a checkpoint and back. Tensors have PyTorch's names and layouts there:
/// filters (O,I,H,W), matrices (out,in).
#pragma once

#include "run/checkpoint_folder.h"
#include "run/model_card.h"
#include "train/trainer.h"

namespace salu {

/// Copies of parameters and running statistics under their names. `values`, laid out like the flat buffer,
/// replaces the live parameters, e.g. with optimizer state or averages. `buffers` (may be null) replaces the
/// running statistics.
std::vector<NamedTensor> named_tensors(const ParameterStore& store, const Tensor& values,
                                       const std::vector<Tensor>* buffers, const std::string& prefix);
/// The equivalent of PyTorch's state_dict().
std::vector<NamedTensor> state_dict(const ParameterStore& store);

/// Copies tensors named `prefix` + name into `values` and `buffers`. On any mismatch throws
/// ErrorCode::checkpoint, naming `file` and listing the first missing, unexpected and differently shaped
/// names.
void read_named_tensors(const ParameterStore& store, const std::vector<NamedTensor>& tensors,
                        const std::string& prefix, Tensor& values, std::vector<Tensor>* buffers,
                        const std::string& file);
void load_state_dict(ParameterStore& store, const std::vector<NamedTensor>& tensors, const std::string& file);

/// The moving average in a checkpoint under the model's own names; empty when it has none.
std::vector<NamedTensor> averaged_weights(const Checkpoint& checkpoint);

/// Name of the first tensor with a non-finite value, or "".
std::string first_non_finite(const std::vector<NamedTensor>& tensors);

/// A copy of a run's whole state. `ema` may be null.
Checkpoint take_snapshot(const Model& model, Optimizer& optimizer, Ema* ema, const TrainState& progress,
                         const ModelCard& card, std::uint64_t data_fingerprint);
/// The counters of a checkpoint. Throws ErrorCode::checkpoint when one is missing or out of range, or when
/// the data set differs.
TrainState read_progress(const Checkpoint& checkpoint, const std::string& file,
                         std::uint64_t data_fingerprint);
/// The inverse of take_snapshot(). With a null `optimizer`, does not read its state. Throws
/// ErrorCode::checkpoint when the data set differs or a weight is not finite.
TrainState restore_snapshot(const Checkpoint& checkpoint, const std::string& file, Model& model,
                            Optimizer* optimizer, Ema* ema, std::uint64_t data_fingerprint);

}  // namespace salu
