// SPDX-License-Identifier: MIT
#include "core/ops/layer_norm.h"

#include "autograd/functions.h"

namespace salu {

Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result = layer_norm_forward(in, scale, beta.value(), eps);
  return record("layer_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, layer_norm_backward(dy, in, scale, saved, sums));
                },
                {{"eps", eps}});
}

}  // namespace salu
