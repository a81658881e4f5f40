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

/// The kind of GPU that plans are made for.
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

/// One way to run a graph: an engine of cuDNN and its settings.
struct Candidate {
  Descriptor config;
  std::vector<cudnnBackendNumericalNote_t> notes;

  bool has(cudnnBackendNumericalNote_t note) const;
};

enum class Heuristics {
  ranked = CUDNN_HEUR_MODE_A,           ///< best first
  fallback = CUDNN_HEUR_MODE_FALLBACK,  ///< slow ones that accept nearly everything
};
/// The candidates that cuDNN offers for a finished graph; empty when it does not know how to run it.
std::vector<Candidate> candidates(const OperationGraph& graph, const Target& target, Heuristics heuristics);

/// A candidate's compiled code, ready to run.
class Plan {
 public:
  /// Memory of a tensor in the graph.
  using Binding = std::pair<GraphTensor, const void*>;

  /// Restores json(). Throws ErrorCode::environment when cuDNN refuses the text.
  Plan(const std::string& json, const Target& target);

  /// Bytes of device memory that execute() needs beside the tensors.
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

/// The answer of cuDNN to one candidate.
struct PlanAttempt {
  enum class Outcome {
    ready,
    compiled,  ///< code was generated and compiled, but there is no driver to load it: supported
    refused,
  };
  Outcome outcome;
  std::optional<Plan> plan;  ///< when ready
  std::string reason;        ///< when not

  PlanAttempt(const Candidate& candidate, const Target& target);
};

/// The plans that may be chosen.
struct PlanRules {
  bool deterministic = true;   ///< only engines that give the same bits every time
  bool tensor_cores = true;    ///< false keeps f32 at its full precision
  std::int64_t workspace = 0;  ///< bytes, at most
  std::size_t most = 12;       ///< ranked candidates; those of the fallback come on top

  std::string text() const;  ///< for the keys of caches
};

/// The plans that may run under these rules, the most promising first.
std::vector<Plan> allowed_plans(const OperationGraph& graph, const Target& target, const PlanRules& rules);

}  // namespace salu::cuda
