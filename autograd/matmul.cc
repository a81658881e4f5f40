// SPDX-License-Identifier: MIT
#include "core/ops/matmul.h"

#include "autograd/functions.h"

namespace salu {

Variable matmul(const Variable& a, const Variable& b) {
  const Tensor &at = a.value(), &bt = b.value();
  return record("matmul", matmul_forward(at, bt), {a, b}, [at, bt](const Tensor& dy, Gradients& gradients) {
    if (gradients.wanted(0)) gradients.set(0, matmul_backward_a(dy, bt));  // (M,N) x (K,N)^T -> (M,K)
    if (gradients.wanted(1)) gradients.set(1, matmul_backward_b(dy, at));  // (M,K)^T x (M,N) -> (K,N)
  });
}

}  // namespace salu
