// SPDX-License-Identifier: MIT
/// The geometry of a network's stabilizers and gates.
#pragma once

#include <string>
#include <vector>

#include "layers/norm_act.h"

namespace salu {

/// One curve a x / sqrt(1 + a b x^2): it rises as x S/W near 0 and saturates at S, W being the x where it
/// bends.
struct CurveShape {
  std::string layer;    ///< "layer1.0.norm1"
  bool gate = false;    ///< of SWALU or GALU; else a stabilizer, SALU itself
  double saturation{};  ///< S = sqrt(a/b)
  double width{};       ///< W = 1/sqrt(ab)
};

/// All curves in order of creation, which is from the first layer to the last. `positive` is what the network
/// was built with.
std::vector<CurveShape> curve_shapes(const ParameterStore& store, Positive positive);

/// True for the name of a layer that is an activation, not a norm.
bool is_gate(const std::string& layer);

}  // namespace salu
