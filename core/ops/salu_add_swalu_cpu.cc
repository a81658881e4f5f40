// SPDX-License-Identifier: MIT
#include "core/ops/salu_add_swalu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& residual, const CoefficientPair& stabilizer,
             const CoefficientPair& gate, Positive positive) {
  salu_family_forward(SaluMember::salu_add_swalu, y, x, &residual, stabilizer, &gate, positive);
}

void backward(Tensor& dx, Tensor& dresidual, const Tensor& dy, const Tensor& x, const Tensor& residual,
              const CoefficientPair& stabilizer, const CoefficientPair& gate, CoefficientPair& dstabilizer,
              CoefficientPair& dgate, Positive positive) {
  salu_family_backward(SaluMember::salu_add_swalu, dx, &dresidual, dy, x, &residual, stabilizer, &gate,
                       dstabilizer, &dgate, positive);
}

}  // namespace

constinit SaluAddSwaluKernels salu_add_swalu_kernels{{"salu_add_swalu_forward", forward},
                                                     {"salu_add_swalu_backward", backward}};

}  // namespace salu
