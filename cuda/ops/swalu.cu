// SPDX-License-Identifier: MIT
#include "core/ops/swalu.h"
#include "cuda/kernels/salu_family.cuh"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive) {
  family_forward<SaluMember::swalu>(y, x, nullptr, pair, nullptr, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive) {
  family_backward<SaluMember::swalu>(dx, nullptr, dy, x, nullptr, pair, nullptr, dpair, nullptr, positive);
}

}  // namespace

void register_swalu() {
  swalu_kernels.forward.set(DeviceType::cuda, forward);
  swalu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
