// SPDX-License-Identifier: MIT
/// The hot loops of the SALU family, one table of functions per instruction set.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/ops/salu_math.h"

namespace salu {

/// Indexed by SaluMember. `residual` and `dresidual` are null except for salu_add_swalu.
template <class T>
struct SaluLoops {
  using Forward = void (*)(std::int64_t n, T* y, const T* x, const T* residual,
                           const CurvePair<Wide<T>>& curves);
  using Backward = CurvePairSums<double> (*)(std::int64_t n, T* dx, T* dresidual, const T* dy, const T* x,
                                             const T* residual, const CurvePair<Wide<T>>& curves);
  Forward forward[kSaluMembers];
  Backward backward[kSaluMembers];
};

// Defined by salu_loops.cc, compiled three times: for T = float and bf16, in the baseline copy also double.
namespace baseline {
template <class T>
const SaluLoops<T>& salu_loops();
}
namespace avx2 {
template <class T>
const SaluLoops<T>& salu_loops();
}
namespace avx512 {
template <class T>
const SaluLoops<T>& salu_loops();
}

}  // namespace salu
