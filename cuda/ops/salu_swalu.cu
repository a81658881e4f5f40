// SPDX-License-Identifier: MIT
#include "core/ops/salu_swalu.h"
#include "cuda/kernels/salu_family.cuh"

namespace salu::cuda {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& stabilizer, const CoefficientPair& gate,
             Positive positive) {
  family_forward<SaluMember::salu_swalu>(y, x, nullptr, stabilizer, &gate, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& stabilizer,
              const CoefficientPair& gate, CoefficientPair& dstabilizer, CoefficientPair& dgate,
              Positive positive) {
  family_backward<SaluMember::salu_swalu>(dx, nullptr, dy, x, nullptr, stabilizer, &gate, dstabilizer, &dgate,
                                          positive);
}

}  // namespace

void register_salu_swalu() {
  salu_swalu_kernels.forward.set(DeviceType::cuda, forward);
  salu_swalu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
