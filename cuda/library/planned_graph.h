// SPDX-License-Identifier: MIT
/// A graph with the plan that was fastest on this machine's GPU.
#pragma once

#include <vector>

#include "cuda/library/plan.h"

namespace salu::cuda {

class PlannedGraph {
 public:
  /// Takes the plan from the cache on disk, or measures those that `rules` allow: tens of milliseconds, and
  /// seconds when code has to be compiled. Throws ErrorCode::environment when there is none, and
  /// ErrorCode::internal while a cuda::Graph is recorded: measuring waits for the device.
  PlannedGraph(const OperationGraph& graph, const PlanRules& rules);

  /// Queues the work on the compute stream.
  void run(const std::vector<Plan::Binding>& bindings) const;
  double microseconds() const { return microseconds_; }  ///< when the plan was chosen

 private:
  std::optional<Plan> plan_;
  double microseconds_ = 0;
};

}  // namespace salu::cuda
