// SPDX-License-Identifier: MIT
#include "core/ops/swalu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive) {
  salu_family_forward(SaluMember::swalu, y, x, nullptr, pair, nullptr, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive) {
  salu_family_backward(SaluMember::swalu, dx, nullptr, dy, x, nullptr, pair, nullptr, dpair, nullptr,
                       positive);
}

}  // namespace

constinit SwaluKernels swalu_kernels{{"swalu_forward", forward}, {"swalu_backward", backward}};

}  // namespace salu
