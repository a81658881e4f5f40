// SPDX-License-Identifier: MIT
#include "cuda/library/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace salu::cuda {

Target Target::device(int index) {
  Target target;
  target.properties_.set(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, static_cast<std::int32_t>(index));
  target.properties_.finalize("cannot read the properties of the device");
  return target;
}

Target Target::described(const std::string& json) {
  Target target;
  target.properties_.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json);
  target.properties_.finalize("cannot read the description of a device");
  return target;
}

std::string Target::json() const { return properties_.get_text(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION); }

bool Candidate::has(cudnnBackendNumericalNote_t note) const {
  return std::find(notes.begin(), notes.end(), note) != notes.end();
}

std::vector<Candidate> candidates(const OperationGraph& graph, const Target& target, Heuristics heuristics) {
  Descriptor query(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  query.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.descriptor());
  query.set(CUDNN_ATTR_ENGINEHEUR_MODE, static_cast<cudnnBackendHeurMode_t>(heuristics));
  query.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, target.descriptor());
  if (query.try_finalize() != CUDNN_STATUS_SUCCESS) return {};
  std::vector<Candidate> found;
  for (Descriptor& config :
       query.get_parts(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)) {
    const Descriptor engine = config.get_part(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    auto notes = engine.get_all<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                             CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    found.push_back({std::move(config), std::move(notes)});
  }
  return found;
}

Plan::Plan(Descriptor plan)
    : plan_(std::move(plan)), workspace_(plan_.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)) {}

namespace {

Descriptor restored(const std::string& json, const Target& target) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, target.descriptor());
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, json);
  plan.finalize("cannot restore a plan");
  return plan;
}

}  // namespace

Plan::Plan(const std::string& json, const Target& target) : Plan(restored(json, target)) {}

std::string Plan::json() const { return plan_.get_text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION); }

void Plan::execute(cudnnHandle_t handle, const std::vector<Binding>& bindings, void* workspace) const {
  std::vector<std::int64_t> ids;
  std::vector<void*> pointers;
  for (const auto& [tensor, memory] : bindings) {
    ids.push_back(tensor.id);
    pointers.push_back(const_cast<void*>(memory));  // non-const, but cuDNN writes to outputs only
  }
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers);
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
  pack.finalize("cannot bind memory to a plan");
  check_cudnn(cudnnBackendExecute(handle, plan_.raw(), pack.raw()), "cannot run a plan");
}

PlanAttempt::PlanAttempt(const Candidate& candidate, const Target& target) : outcome(Outcome::refused) {
  Descriptor attempt(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  attempt.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate.config);
  attempt.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, target.descriptor());
  const cudnnStatus_t status = attempt.try_finalize();
  if (status == CUDNN_STATUS_SUCCESS) {
    outcome = Outcome::ready;
    plan = Plan(std::move(attempt));
  } else {
    // Loading the compiled code is the first step that needs a driver.
    if (status == CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER) outcome = Outcome::compiled;
    reason = cudnnGetErrorString(status);
  }
}

std::string PlanRules::text() const {
  return fmt::format("deterministic={} tensor_cores={} workspace={} most={};", deterministic, tensor_cores,
                     workspace, most);
}

namespace {

bool allows(const PlanRules& rules, const Candidate& candidate) {
  if (rules.deterministic && candidate.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  if (!rules.tensor_cores && (candidate.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ||
                              candidate.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))) {
    return false;
  }
  return !candidate.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
}

}  // namespace

std::vector<Plan> allowed_plans(const OperationGraph& graph, const Target& target, const PlanRules& rules) {
  std::vector<Plan> plans;
  const auto add = [&](Heuristics heuristics, std::size_t most) {
    for (const Candidate& candidate : candidates(graph, target, heuristics)) {
      if (plans.size() >= most) return;
      if (!allows(rules, candidate)) continue;
      PlanAttempt attempt(candidate, target);
      if (attempt.plan && attempt.plan->workspace() <= rules.workspace) {
        plans.push_back(std::move(*attempt.plan));
      }
    }
  };
  add(Heuristics::ranked, rules.most);
  add(Heuristics::fallback, std::numeric_limits<std::size_t>::max());
  return plans;
}

}  // namespace salu::cuda
