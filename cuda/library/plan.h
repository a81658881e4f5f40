// SPDX-License-Identifier: MIT
/// Plans: compiled code for an operation graph on one kind of GPU. Finding them needs a description of the
/// GPU, not the GPU itself, so that tests can plan for an H200 on a machine without one.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cuda/library/graph.h"

namespace salu::cuda {

/// The kind of GPU for which plans are made.
class Target {
 public:
  static Target device(int index);                   ///< needs the device
  static Target described(const std::string& json);  ///< needs none
  std::string json() const;                          ///< the text that described() takes
  const Descriptor& descriptor() const { return properties_; }

 private:
  Target() : properties_(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR) {}
  Descriptor properties_;
};

/// A way to run a graph: an engine of cuDNN and its settings.
struct Candidate {
  Descriptor config;
  std::vector<cudnnBackendNumericalNote_t> notes;

  bool has(cudnnBackendNumericalNote_t note) const;
};

enum class Heuristics {
  ranked = CUDNN_HEUR_MODE_A,           ///< best first
  fallback = CUDNN_HEUR_MODE_FALLBACK,  ///< slow ones that support nearly every graph
};
/// The candidates that cuDNN offers for a finished graph; empty when it cannot run the graph.
std::vector<Candidate> candidates(const OperationGraph& graph, const Target& target, Heuristics heuristics);

/// A candidate's compiled code, ready to run.
class Plan {
 public:
  /// A tensor of the graph and its memory.
  using Binding = std::pair<GraphTensor, const void*>;

  /// Restores json(). Throws ErrorCode::environment when cuDNN rejects the text.
  Plan(const std::string& json, const Target& target);

  /// Bytes of device memory that execute() needs besides the tensors.
  std::int64_t workspace() const { return workspace_; }
  std::string json() const;
  /// Queues the work on the handle's stream.
  void execute(cudnnHandle_t handle, const std::vector<Binding>& bindings, void* workspace) const;

 private:
  friend struct PlanAttempt;
  explicit Plan(Descriptor plan);

  Descriptor plan_;
  std::int64_t workspace_;
};

/// cuDNN's answer to one candidate.
struct PlanAttempt {
  enum class Outcome {
    ready,
    compiled,  ///< supported: code was generated and compiled, but there is no driver to load it
    refused,
  };
  Outcome outcome;
  std::optional<Plan> plan;  ///< when ready
  std::string reason;        ///< when not

  PlanAttempt(const Candidate& candidate, const Target& target);
};

/// Constraints on plans.
struct PlanRules {
  bool deterministic = true;   ///< only engines with reproducible bits
  bool tensor_cores = true;    ///< false keeps f32 at its full precision
  std::int64_t workspace = 0;  ///< limit in bytes
  std::size_t most = 12;       ///< number of ranked candidates; fallback ones are added

  std::string text() const;  ///< for keys of caches
};

/// The plans allowed by these rules, most promising first.
std::vector<Plan> allowed_plans(const OperationGraph& graph, const Target& target, const PlanRules& rules);

}  // namespace salu::cuda
