// SPDX-License-Identifier: MIT
/// One pass over the flat parameter buffer updates everything.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/optimizer_step.h"
#include "layers/parameter.h"

namespace salu {

inline constexpr std::pair<const char*, OptimizerKind> kOptimizers[] = {{"sgd", OptimizerKind::sgd},
                                                                        {"adam", OptimizerKind::adam},
                                                                        {"adamw", OptimizerKind::adamw},
                                                                        {"lamb", OptimizerKind::lamb},
                                                                        {"lars", OptimizerKind::lars}};
inline constexpr std::pair<const char*, ClipMode> kClipModes[] = {
    {"norm", ClipMode::norm}, {"value", ClipMode::value}, {"agc", ClipMode::agc}};

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  bool nesterov = true;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 5e-4;
  bool decay_all = false;             ///< also biases, norms and tokens; never coefficients
  double coefficient_lr_scale = 1;    ///< learning rate of SALU pairs, PReLU slopes, … relative to the rest
  double coefficient_max_step = 0.1;  ///< largest change of a coefficient in one step; 0: no limit
  double layer_decay = 1;             ///< learning rate of a layer relative to that of the next one
  ClipMode clip_mode = ClipMode::norm;
  double clip_grad = 0;  ///< 0: no clipping
};

/// Exponential moving average of the parameters and of the running statistics.
class Ema {
 public:
  /// `warmup` shortens the memory of the first steps: UpdateOptions::ema_warmup.
  Ema(ParameterStore& store, double decay, bool warmup = false);
  /// Exchanges the averages with the live values: for an evaluation, and back.
  void swap();
  double decay() const { return decay_; }
  bool warmup() const { return warmup_; }
  Tensor& values() { return values_; }
  std::vector<Tensor>& buffers() { return buffers_; }  ///< in the order of store.buffers()

 private:
  ParameterStore& store_;
  double decay_;
  bool warmup_;
  Tensor values_;
  std::vector<Tensor> buffers_;
};

/// The figures of a step.
struct StepResult {
  double loss, norm;  ///< norm: L2 of all gradients, before clipping
  bool applied;       ///< false when one of them is not finite: weights, moments and averages are unchanged
};

class Optimizer {
 public:
  /// `ema`, if any, is updated with every step and must outlive the optimizer.
  Optimizer(ParameterStore& store, OptimizerConfig config, Ema* ema = nullptr);

  void set_lr(double lr);  ///< of the steps that follow
  /// Updates the parameters from their gradients, after clipping. Asks nothing of the device, so it can be
  /// recorded. `loss` (1) is noted, and decides with the norm whether to apply.
  void step(const Tensor& loss);
  /// The result of the last step; waits for the device.
  StepResult result() const { return result_of(control_.values<double>()); }
  /// The same from a copy of control().
  static StepResult result_of(const std::vector<double>& control);
  const Tensor& control() const { return control_; }

  /// One flat buffer as it appears in a checkpoint.
  struct State {
    std::string name;  ///< "momentum", "exp_avg", "exp_avg_sq"
    Tensor values;     ///< laid out like the parameters
  };
  std::vector<State>& states() { return states_; }
  std::int64_t updates() const;  ///< steps applied: Adam's bias correction
  void set_updates(std::int64_t n);
  std::int64_t ema_updates() const;  ///< steps that the average has seen: its warm-up
  void set_ema_updates(std::int64_t n);

 private:
  void set(Control slot, double value);
  std::int64_t count(Control slot) const;

  ParameterStore& store_;
  Ema* ema_;
  UpdateOptions options_;
  UpdatePlan plan_;
  std::vector<State> states_;
  Tensor control_;
};

/// The layer of each parameter, in order of creation: 0 for the stem, then the blocks ("layer1.0",
/// "blocks.3"), the last one with the norm after it, then the head. Without blocks every matrix begins a
/// layer.
std::vector<int> layer_numbers(const ParameterStore& store);

/// Learning rate, weight decay and largest step by group and layer; neighbours that are treated alike form
/// one range. With LAMB and LARS each parameter that decays has a range, and a trust ratio, of its own.
std::vector<UpdateRange> update_ranges(const ParameterStore& store, const OptimizerConfig& config);

/// (U,2) i64: begin and end of every unit that agc clips, the rows of matrices and the filters. The
/// classifier, biases, norms and coefficients have none.
Tensor clip_units(const ParameterStore& store);

}  // namespace salu
