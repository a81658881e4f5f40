// SPDX-License-Identifier: MIT
/// Checks that all ranks do the same, and their joint work between steps. All ranks call these at the same
/// place.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "layers/parameter.h"
#include "train/evaluator.h"
#include "train/optimizer.h"
#include "train/ranks/communicator.h"

namespace salu {

/// Ranks whose value differs from the majority's; in a tie, rank 0's value counts as the majority.
std::vector<int> odd_ranks(const std::vector<std::string>& values);

/// Compares settings, given as one "name=value" per line. Throws ErrorCode::distributed naming the odd rank
/// and the first name on which it differs.
void check_agreement(Communicator& ranks, const std::string& lines);
/// Compares CRC-32C of the weights. Throws ErrorCode::distributed naming the odd rank.
void check_weights(Communicator& ranks, const Tensor& values, std::int64_t step);
/// CRC-32C of the program's file, in hexadecimal.
std::string program_checksum();

/// Copies rank 0's running statistics to all ranks, because each has those of its own images. `ema` may be
/// null.
void share_buffers(Communicator& ranks, ParameterStore& store, Ema* ema);
/// The sum of the ranks' partial results, on every rank.
EvalResult merge_results(Communicator& ranks, const EvalResult& mine);

}  // namespace salu
