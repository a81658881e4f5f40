// SPDX-License-Identifier: MIT
/// One optimizer step on one batch: forward, loss, backward, clipping, optimizer, moving average.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "core/gpu.h"
#include "models/model.h"
#include "train/optimizer.h"
#include "train/ranks/gradient_reducer.h"

namespace salu {

struct TrainStepOptions {
  std::array<float, 3> mean{}, std{};  ///< of the images, for normalization
  std::uint64_t seed = 42;
  bool bce = false;             ///< uses binary cross entropy of each class as the loss
  std::int64_t accumulate = 1;  ///< micro-batches per batch, one forward and backward pass each
  bool record = true;           ///< GPU only: captures the step in a graph and replays it
};

/// One finished step and its result.
struct FinishedStep {
  StepResult result;
  std::int64_t step, samples;  ///< samples: over all ranks
  double lr;
};

/// One training step. On the CPU it is done when run() returns. On a GPU it is queued, as one captured graph
/// after the first few steps, and its result is read one step late, so that the GPU never waits for the host.
///
/// Ranks that share a batch run the same step at the same time, each on its own images. Loss and gradients
/// are means over the whole batch, so every rank applies the same update. Steps of several ranks are not
/// captured, because the host exchanges gradients between backward pass and update.
class TrainStep {
 public:
  /// `ranks` share every batch; it must outlive the step.
  TrainStep(const Model& model, ParameterStore& store, Optimizer& optimizer, TrainStepOptions options,
            Communicator& ranks = single_rank());
  ~TrainStep();

  /// `images` (N,H,W,3) u8 and `targets` (N,K) f32 on the host; N is a multiple of `accumulate` and equal on
  /// all ranks. `step` keys the random masks.
  void run(const Tensor& images, const Tensor& targets, double lr, std::int64_t step);
  /// The oldest step whose result is available: on the CPU that of every run(); on a GPU all but the newest,
  /// or with `all` that one too. Call it after every run() until it returns nothing.
  std::optional<FinishedStep> take(bool all);
  /// The library that sums the ranks' gradients: GradientReducer::way().
  std::string exchange() const { return reducer_.way(); }

 private:
  struct Slot;
  void do_step(const Tensor& images, const Tensor& targets, std::int64_t step);
  /// The loss of these images.
  Variable forward(const Tensor& images, const Tensor& targets, Context& context);
  /// Returns this micro-batch's share of the batch's loss. After the last one the gradients are complete.
  Tensor forward_backward(const Tensor& images, const Tensor& targets, Context& context, bool last);
  void queue(std::int64_t step);
  void record(std::int64_t step);
  void place_inputs(const Tensor& images, const Tensor& targets, Slot& slot);

  const Model& model_;
  ParameterStore& store_;
  Optimizer& optimizer_;
  TrainStepOptions options_;
  const Device device_;
  const Communicator& ranks_;
  GradientReducer reducer_;
  Tensor statistics_before_;  ///< running statistics; undefined if the network has none

  // GPU only.
  Tensor images_, targets_;  ///< inputs of a captured step
  std::optional<gpu::Graph> graph_;
  std::int64_t recorded_step_ = -1, eager_steps_ = 0, cache_releases_ = 0;
  std::array<std::unique_ptr<Slot>, 2> slots_;

  struct Pending {
    FinishedStep step;
    Slot* slot;  ///< null on the CPU, where the result is available at once
  };
  std::deque<Pending> pending_;
};

}  // namespace salu
