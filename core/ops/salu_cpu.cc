// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive) {
  salu_family_forward(SaluMember::salu, y, x, nullptr, pair, nullptr, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive) {
  salu_family_backward(SaluMember::salu, dx, nullptr, dy, x, nullptr, pair, nullptr, dpair, nullptr,
                       positive);
}

}  // namespace

constinit SaluKernels salu_kernels{{"salu_forward", forward}, {"salu_backward", backward}};

}  // namespace salu
