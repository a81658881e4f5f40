// SPDX-License-Identifier: MIT
/// Runs that mpirun starts: what the ranks must agree on, and how they share a machine.
#pragma once

#include <string>

#include "run/train_settings.h"
#include "train/ranks/communicator.h"

namespace salu {

/// Program and settings, for check_agreement(): without those that may differ from rank to rank.
std::string settings_to_agree_on(TrainOptions& options);
/// The data set, likewise.
std::string data_to_agree_on(const DataSplits& data);

/// CPU threads of one rank: `asked`, or its share of this machine.
int threads_of_rank(int asked, const Communicator& ranks);
/// "2 ranks, 64 pictures each per step; gradients by MPI", and what to do when mpirun has bound each to a
/// single core.
std::string describe_ranks(const Communicator& ranks, const TrainConfig& config, const std::string& exchange);

}  // namespace salu
