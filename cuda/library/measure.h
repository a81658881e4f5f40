// SPDX-License-Identifier: MIT
/// The stop-watch behind plans: the heuristics' first choice can be several times slower than the best.
#pragma once

#include <cstddef>
#include <vector>

#include "cuda/library/plan.h"

namespace salu::cuda {

struct Fastest {
  std::size_t index;
  double microseconds;
};

/// Runs each plan on random numbers, as zeros draw less power and so run faster; in more memory than the L2
/// cache holds, as in training, unless 64 sets of tensors are still less; and in turn, so that changes of the
/// clock rate meet all plans alike. Launches are recorded, so the time is that of the device. Plans that fail
/// are passed over, as are, after a first round, those more than twice as slow as its best; throws
/// ErrorCode::environment when all fail.
Fastest fastest_plan(const OperationGraph& graph, const std::vector<Plan>& plans);

}  // namespace salu::cuda
