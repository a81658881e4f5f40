// SPDX-License-Identifier: MIT
/// Gradients of a SALU coefficient pair inside a backward closure.
#pragma once

#include "autograd/variable.h"
#include "core/ops/salu_family.h"

namespace salu {

/// The running sums of inputs i and i + 1; throw-away tensors for frozen coefficients.
inline CoefficientPair coefficient_gradients(Gradients& gradients, std::size_t i,
                                             const CoefficientPair& pair) {
  const auto sum = [&](std::size_t k, const Tensor& like) {
    return gradients.wanted(k) ? gradients.sum(k) : Tensor::zeros(like.shape(), like.dtype());
  };
  return {sum(i, pair.p), sum(i + 1, pair.q)};
}

}  // namespace salu
