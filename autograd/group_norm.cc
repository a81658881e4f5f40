// SPDX-License-Identifier: MIT
#include "core/ops/group_norm.h"

#include "autograd/functions.h"

namespace salu {

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

}  // namespace salu
