// SPDX-License-Identifier: MIT
/// What salutrain adds when mpirun starts it.
#pragma once

#include "apps/train_options.h"
#include "run/progress.h"
#include "run/training_run.h"

namespace salu {

void add_rank_options(CLI::App& app, TrainOptions& options);

/// Program and settings, for check_agreement(): without what may differ from machine to machine.
std::string settings_to_agree_on(const TrainOptions& options);
/// The data set, likewise.
std::string data_to_agree_on(const DataSplits& data);

/// CPU threads of one rank: `asked`, or its share of this machine.
int threads_of_rank(int asked, const Communicator& ranks);
/// "2 ranks, 64 pictures each per step; gradients by MPI", and what to do when mpirun has bound each to a
/// single core.
std::string describe_ranks(const Communicator& ranks, const TrainConfig& config, const std::string& exchange);

}  // namespace salu
