// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"
#include "cuda/kernels/salu_family.cuh"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive) {
  family_forward<SaluMember::galu>(y, x, nullptr, pair, nullptr, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive) {
  family_backward<SaluMember::galu>(dx, nullptr, dy, x, nullptr, pair, nullptr, dpair, nullptr, positive);
}

}  // namespace

void register_galu() {
  galu_kernels.forward.set(DeviceType::cuda, forward);
  galu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
