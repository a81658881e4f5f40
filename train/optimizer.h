// SPDX-License-Identifier: MIT
/// Optimizers. One pass over the flat parameter buffer updates everything.
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
  bool decay_all = false;  ///< also decays biases, norms and tokens; never coefficients
  /// Learning rate of SALU pairs, PReLU slopes, … relative to other parameters.
  double coefficient_lr_scale = 1;
  double coefficient_max_step = 0.1;  ///< largest change of a coefficient in one step; 0: no limit
  double layer_decay = 1;             ///< learning rate of a layer relative to the next one
  ClipMode clip_mode = ClipMode::norm;
  double clip_grad = 0;  ///< 0: no clipping
};

/// Exponential moving average of the parameters and of the running statistics.
class Ema {
 public:
  /// `warmup` lowers the decay in the first steps: UpdateOptions::ema_warmup.
  Ema(ParameterStore& store, double decay, bool warmup = false);
  /// Exchanges the averages with the live values, for an evaluation; a second call undoes it.
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

/// Results of a step.
struct StepResult {
  double loss, norm;  ///< norm: L2 of all gradients, before clipping
  bool applied;  ///< false when one of them is not finite: weights, moments and averages are then unchanged
};

class Optimizer {
 public:
  /// `ema` may be null; otherwise it is updated with every step and must outlive the optimizer.
  Optimizer(ParameterStore& store, OptimizerConfig config, Ema* ema = nullptr);

  void set_lr(double lr);  ///< for the following steps
  /// Clips the gradients and updates the parameters. Never waits for the device, so it can be captured in a
  /// graph. The step is skipped when `loss` (1) or the gradient norm is not finite.
  void step(const Tensor& loss);
  /// The result of the last step; waits for the device.
  StepResult result() const { return result_of(control_.values<double>()); }
  /// The result from a copy of control().
  static StepResult result_of(const std::vector<double>& control);
  const Tensor& control() const { return control_; }

  /// One flat buffer, as stored in a checkpoint.
  struct State {
    std::string name;  ///< "momentum", "exp_avg", "exp_avg_sq"
    Tensor values;     ///< in the layout of the parameters
  };
  std::vector<State>& states() { return states_; }
  std::int64_t updates() const;  ///< steps applied: Adam's bias correction
  void set_updates(std::int64_t n);
  std::int64_t ema_updates() const;  ///< steps of the moving average, for its warm-up
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

/// Learning rate, weight decay and largest step by group and layer; neighbours with equal values share a
/// range. With LAMB and LARS each parameter that decays has its own range and trust ratio.
std::vector<UpdateRange> update_ranges(const ParameterStore& store, const OptimizerConfig& config);

/// (U,2) i64: [begin, end) of every unit that agc clips, as in the paper's code (Brock et al. 2021,
/// "High-Performance Large-Scale Image Recognition Without Normalization"): the rows of matrices, the
/// filters, and each bias, norm and token as a whole. The classifier's matrix and coefficients are not
/// clipped.
Tensor clip_units(const ParameterStore& store);

}  // namespace salu
