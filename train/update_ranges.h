// SPDX-License-Identifier: MIT
/// Which settings hold for which part of the flat parameter buffer.
#pragma once

#include <vector>

#include "core/ops/optimizer_step.h"
#include "layers/parameter.h"
#include "train/optimizer.h"

namespace salu {

/// The layer of each parameter, in order of creation: 0 for the stem, then the blocks ("layer1.0",
/// "blocks.3"), the last one with the norm behind it, then the head. Without blocks every matrix begins a
/// layer.
std::vector<int> layer_numbers(const ParameterStore& store);

/// Learning rate, weight decay and largest step by group and layer; neighbours that are treated alike form
/// one range. With LAMB and LARS each parameter that decays has a range, and a trust ratio, of its own.
std::vector<UpdateRange> update_ranges(const ParameterStore& store, const OptimizerConfig& config);

/// (U,2) i64: begin and end of every unit that agc clips, the rows of matrices and the filters. The
/// classifier, biases, norms and coefficients have none.
Tensor clip_units(const ParameterStore& store);

}  // namespace salu
