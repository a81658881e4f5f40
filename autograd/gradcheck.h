// SPDX-License-Identifier: MIT
/// Is a backward the derivative of its forward?
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace salu {

struct GradcheckOptions {
  double eps = 1e-6;   ///< step of the central difference
  double atol = 1e-7;  ///< |analytic - numeric| <= atol + rtol |numeric|; NaN fails
  double rtol = 1e-6;
  std::uint64_t seed = 0;                  ///< for the random upstream gradients
  std::vector<std::size_t> constant = {};  ///< inputs that need no gradient
};

/// Compares the whole Jacobian of `function` at `inputs` (f64), and its product with a dense random upstream
/// gradient, with central differences. Returns "" when they agree, else a description of the worst element.
/// Keep inputs away from kinks by more than eps.
std::string check_gradients(const std::function<Variable(const std::vector<Variable>&)>& function,
                            const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace salu
