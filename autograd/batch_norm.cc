// SPDX-License-Identifier: MIT
#include "core/ops/batch_norm.h"

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

}  // namespace salu
