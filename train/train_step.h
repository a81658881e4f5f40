// SPDX-License-Identifier: MIT
/// One optimizer step on one batch: forward, loss, backward, clipping, optimizer, moving average.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "core/backend.h"
#include "models/model.h"
#include "train/optimizer.h"
#include "train/ranks/gradient_reducer.h"

namespace salu {

struct TrainStepOptions {
  std::array<float, 3> mean{}, std{};  ///< of the images
  std::uint64_t seed = 42;
  bool bce = false;             ///< the loss: binary cross entropy of each class
  std::int64_t accumulate = 1;  ///< parts that a batch is cut into, one forward and backward pass each
  bool record = true;           ///< on a GPU: record the step once and replay it
};

/// One finished step and its result.
struct FinishedStep {
  StepResult result;
  std::int64_t step, samples;  ///< samples: on all ranks
  double lr;
};

/// On the CPU a step is done when run() returns. On a GPU it is queued, as one recorded graph after the first
/// few steps, and its result is read one step late, so that the GPU never waits for the host.
///
/// Ranks that share a batch run the same step at the same time, each on its own images. Loss and gradients
/// are means over the whole batch on all of them, so all take the same step. Steps of several ranks are not
/// recorded: the exchange between backward pass and update is the host's work.
class TrainStep {
 public:
  /// `ranks`: those that share every batch; must outlive the step.
  TrainStep(const Model& model, ParameterStore& store, Optimizer& optimizer, TrainStepOptions options,
            Communicator& ranks = single_rank());
  ~TrainStep();

  /// `images` (N,H,W,3) u8 and `targets` (N,K) f32 on the host, N a multiple of `accumulate` and the same on
  /// all ranks; `step` keys the random masks.
  void run(const Tensor& images, const Tensor& targets, double lr, std::int64_t step);
  /// The oldest step whose result is due: on the CPU that of every run(); on a GPU all but the newest, and
  /// with `all` that one too. Call it until it is empty after every run().
  std::optional<FinishedStep> take(bool all);
  /// Who adds the ranks' gradients: GradientReducer::way().
  std::string exchange() const { return reducer_.way(); }

 private:
  struct Slot;
  void do_step(const Tensor& images, const Tensor& targets, std::int64_t step);
  /// The loss of these images.
  Variable forward(const Tensor& images, const Tensor& targets, Context& context);
  /// Returns what this part adds to the loss of the batch. After the last part the gradients are complete.
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
  Tensor statistics_before_;  ///< running statistics; undefined when the network has none

  // On a GPU only.
  Tensor images_, targets_;  ///< the inputs of a recorded step
  std::unique_ptr<Recording> recording_;
  std::int64_t recorded_step_ = -1, eager_steps_ = 0, cache_releases_ = 0;
  std::array<std::unique_ptr<Slot>, 2> slots_;

  struct Pending {
    FinishedStep step;
    Slot* slot;  ///< null on the CPU: the result is there
  };
  std::deque<Pending> pending_;
};

}  // namespace salu
