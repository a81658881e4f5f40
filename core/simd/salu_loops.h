// SPDX-License-Identifier: MIT
/// The hot loops of the SALU family, one table of functions per instruction set.
#pragma once

#include <cstdint>

#include "core/ops/salu_math.h"

namespace salu {

/// Indexed by SaluMember. `residual` and `dresidual` are null except for salu_add_swalu.
template <class T>
struct SaluLoops {
  using Forward = void (*)(std::int64_t n, T* y, const T* x, const T* residual, const CurvePair<T>& curves);
  using Backward = CurvePairSums<double> (*)(std::int64_t n, T* dx, T* dresidual, const T* dy, const T* x,
                                             const T* residual, const CurvePair<T>& curves);
  Forward forward[kSaluMembers];
  Backward backward[kSaluMembers];
};

// Defined by salu_loops.cc, compiled three times.
namespace baseline {
extern const SaluLoops<float> loops_f32;
extern const SaluLoops<double> loops_f64;
}  // namespace baseline
namespace avx2 {
extern const SaluLoops<float> loops_f32;
}
namespace avx512 {
extern const SaluLoops<float> loops_f32;
}

}  // namespace salu
