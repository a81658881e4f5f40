// SPDX-License-Identifier: MIT
#include "core/ops/norms.h"

#include "autograd/functions.h"

namespace salu {

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, Tensor running_mean,
                    Tensor running_var, bool training, double momentum, double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result =
      batch_norm_forward(in, scale, beta.value(), running_mean, running_var, {training, momentum, eps});
  return record("batch_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved, training](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, batch_norm_backward(dy, in, scale, saved, training, sums));
                },
                {{"eps", eps}});
}

Variable group_norm(const Variable& x, const Variable& gamma, const Variable& beta, std::int64_t groups,
                    double eps) {
  const Tensor &in = x.value(), &scale = gamma.value();
  NormResult result = group_norm_forward(in, scale, beta.value(), groups, eps);
  return record("group_norm", std::move(result.y), {x, gamma, beta},
                [in, scale, saved = result.saved](const Tensor& dy, Gradients& gradients) {
                  const NormSums sums{gradients.sum_if_wanted(1), gradients.sum_if_wanted(2)};
                  gradients.set(0, group_norm_backward(dy, in, scale, saved, sums));
                },
                {{"groups", groups}, {"eps", eps}});
}

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
