// SPDX-License-Identifier: MIT
/// One pass over the flat parameter buffer updates everything.
#pragma once

#include <string>
#include <vector>

#include "layers/parameter.h"

namespace salu {

enum class OptimizerKind {
  sgd,    ///< PyTorch's SGD: v = m v + g, step v, or g + m v with Nesterov; weight decay added to g
  adam,   ///< Adam with L2: weight decay added to g
  adamw,  ///< decoupled weight decay (Loshchilov & Hutter 2019)
};
OptimizerKind optimizer_of(const std::string& name);  ///< throws ErrorCode::usage naming the known ones

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 5e-4;
  bool decay_all = false;             ///< also biases, norms and tokens; never coefficients
  double coefficient_lr_scale = 1;    ///< learning rate of SALU pairs, PReLU slopes, … relative to the rest
  double coefficient_max_step = 0.1;  ///< largest change of a coefficient in one step; 0: no limit
  double clip_grad = 0;               ///< largest global gradient norm; 0: no clipping
};

class Optimizer {
 public:
  Optimizer(ParameterStore& store, OptimizerConfig config);

  /// L2 norm of all gradients, summed in double in a fixed order.
  double gradient_norm() const;
  /// Updates the parameters from their gradients, scaled to clip_grad if `norm` exceeds it.
  void step(double lr, double norm);

  /// One flat buffer as it appears in a checkpoint.
  struct State {
    std::string name;  ///< "momentum", "exp_avg", "exp_avg_sq"
    Tensor values;     ///< laid out like the parameters
  };
  std::vector<State>& states() { return states_; }
  std::int64_t updates() const { return updates_; }  ///< steps taken: Adam's bias correction
  void set_updates(std::int64_t n) { updates_ = n; }

 private:
  ParameterStore& store_;
  OptimizerConfig config_;
  std::vector<State> states_;
  std::int64_t updates_ = 0;
};

/// Exponential moving average of the parameters and of the running statistics.
class Ema {
 public:
  Ema(ParameterStore& store, double decay);
  void update();
  /// Exchanges the averages with the live values: for an evaluation, and back.
  void swap();
  Tensor& values() { return values_; }
  std::vector<Tensor>& buffers() { return buffers_; }  ///< in the order of store.buffers()

 private:
  ParameterStore& store_;
  double decay_;
  Tensor values_;
  std::vector<Tensor> buffers_;
};

}  // namespace salu
