// SPDX-License-Identifier: MIT
#include "core/ops/salu_swalu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& stabilizer, const CoefficientPair& gate,
             Positive positive) {
  salu_family_forward(SaluMember::salu_swalu, y, x, nullptr, stabilizer, &gate, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& stabilizer,
              const CoefficientPair& gate, CoefficientPair& dstabilizer, CoefficientPair& dgate,
              Positive positive) {
  salu_family_backward(SaluMember::salu_swalu, dx, nullptr, dy, x, nullptr, stabilizer, &gate, dstabilizer,
                       &dgate, positive);
}

}  // namespace

constinit SaluSwaluKernels salu_swalu_kernels{{"salu_swalu_forward", forward},
                                              {"salu_swalu_backward", backward}};

}  // namespace salu
