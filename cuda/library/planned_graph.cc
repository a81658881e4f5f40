// SPDX-License-Identifier: MIT
#include "cuda/library/planned_graph.h"

#include <fmt/format.h>

#include "core/error.h"
#include "cuda/library/handles.h"
#include "cuda/library/measure.h"
#include "cuda/library/plan_cache.h"
#include "cuda/runtime/runtime.h"
#include "cuda/runtime/runtime_cuda.h"

namespace salu::cuda {
namespace {

const Target& this_device() {
  static const Target target = [] {
    int index = 0;
    check_cuda(cudaGetDevice(&index), "device in use");
    return Target::device(index);
  }();
  return target;
}

PlanCache& disk_cache() {
  static PlanCache cache(cache_folder(), cudnnGetVersion(), device_info().name);
  return cache;
}

std::optional<Plan> restored(const PlanCache::Entry& entry) {
  try {
    return Plan(entry.plan, this_device());
  } catch (const Error&) {
    return std::nullopt;  // made by another driver, perhaps; measuring replaces it
  }
}

}  // namespace

PlannedGraph::PlannedGraph(const OperationGraph& graph, const PlanRules& rules) {
  check(!recording(), "[cudnn] expected a plan from a step before the recorded one, got none for {}",
        graph.text());
  const std::string key = rules.text() + graph.text();
  if (const auto entry = disk_cache().find(key)) {
    plan_ = restored(*entry);
    microseconds_ = entry->microseconds;
  }
  if (plan_) return;
  std::vector<Plan> plans = allowed_plans(graph, this_device(), rules);
  if (plans.empty()) fail(ErrorCode::environment, "[cudnn] no plan for {}", graph.text());
  const Fastest best = fastest_plan(graph, plans);
  plan_ = std::move(plans[best.index]);
  microseconds_ = best.microseconds;
  disk_cache().store(key, {plan_->json(), microseconds_});
}

void PlannedGraph::run(const std::vector<Plan::Binding>& bindings) const {
  plan_->execute(cudnn_handle(), bindings, library_workspace());
}

}  // namespace salu::cuda
