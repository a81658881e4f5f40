// SPDX-License-Identifier: MIT
#include "core/ops/salu_add_swalu.h"
#include "cuda/kernels/salu_family.cuh"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& residual, const CoefficientPair& stabilizer,
             const CoefficientPair& gate, Positive positive) {
  family_forward<SaluMember::salu_add_swalu>(y, x, &residual, stabilizer, &gate, positive);
}

void backward(Tensor& dx, Tensor& dresidual, const Tensor& dy, const Tensor& x, const Tensor& residual,
              const CoefficientPair& stabilizer, const CoefficientPair& gate, CoefficientPair& dstabilizer,
              CoefficientPair& dgate, Positive positive) {
  family_backward<SaluMember::salu_add_swalu>(dx, &dresidual, dy, x, &residual, stabilizer, &gate,
                                              dstabilizer, &dgate, positive);
}

}  // namespace

void register_salu_add_swalu() {
  salu_add_swalu_kernels.forward.set(DeviceType::cuda, forward);
  salu_add_swalu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
