// SPDX-License-Identifier: MIT
#include "core/ops/global_avg_pool.h"

#include "autograd/functions.h"

namespace salu {

Variable global_avg_pool(const Variable& x) {
  return record("global_avg_pool", global_avg_pool_forward(x.value()), {x},
                [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                  gradients.set(0, global_avg_pool_backward(dy, shape));
                });
}

}  // namespace salu
