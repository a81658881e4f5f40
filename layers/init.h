// SPDX-License-Identifier: MIT
/// Initialisation of weights, by name.
#pragma once

#include <cmath>

#include "layers/parameter.h"

namespace salu {

/// Filters of a convolution.
enum class WeightInit {
  he_fan_in,   ///< N(0, 2/(R S C)): SaluNet's default; fan-out or smaller gains let a deep SaluNet start dead
  he_fan_out,  ///< N(0, 2/(R S K)): torchvision's ResNets
  lecun,       ///< N(0, 1/(R S C))
  framework,   ///< U(+-1/sqrt(R S C)): PyTorch's default
};

/// Matrices of a linear layer.
enum class LinearInit {
  framework,     ///< weight and bias U(+-1/sqrt(C)): PyTorch's default
  small_normal,  ///< weight N(0, 0.01^2), bias 0: classifier heads of normalization-free nets
  transformer,   ///< weight N(0, 0.02^2), bias 0: timm's ViTs
};

inline Initializer conv_initializer(WeightInit init, std::int64_t fan_in, std::int64_t fan_out) {
  const double in = static_cast<double>(fan_in), out = static_cast<double>(fan_out);
  switch (init) {
    case WeightInit::he_fan_in:
      return normal_init(std::sqrt(2 / in));
    case WeightInit::he_fan_out:
      return normal_init(std::sqrt(2 / out));
    case WeightInit::lecun:
      return normal_init(std::sqrt(1 / in));
    case WeightInit::framework:
      break;
  }
  return uniform_init(1 / std::sqrt(in));
}

inline Initializer linear_initializer(LinearInit init, std::int64_t in) {
  if (init == LinearInit::small_normal) return normal_init(0.01);
  if (init == LinearInit::transformer) return normal_init(0.02);
  return uniform_init(1 / std::sqrt(static_cast<double>(in)));
}

}  // namespace salu
