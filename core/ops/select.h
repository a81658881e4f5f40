// SPDX-License-Identifier: MIT
#pragma once

#include "core/host_device.h"

namespace salu {

/// `when ? a : b` in formulas for numbers and for registers of them: a register has its own overload
/// (core/simd/vec.h), which its arguments find.
template <class T>
constexpr SALU_HOST_DEVICE T select(bool when, T a, T b) {
  return when ? a : b;
}

}  // namespace salu
