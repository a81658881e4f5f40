// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const CoefficientPair& pair, Positive positive) {
  salu_family_forward(SaluMember::galu, y, x, nullptr, pair, nullptr, positive);
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, const CoefficientPair& pair,
              CoefficientPair& dpair, Positive positive) {
  salu_family_backward(SaluMember::galu, dx, nullptr, dy, x, nullptr, pair, nullptr, dpair, nullptr,
                       positive);
}

}  // namespace

constinit GaluKernels galu_kernels{{"galu_forward", forward}, {"galu_backward", backward}};

}  // namespace salu
