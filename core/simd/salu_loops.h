// SPDX-License-Identifier: MIT
/// The hot loops of the SALU family, one table of functions per instruction set.
#pragma once

#include <cstdint>

#include "core/ops/salu_members.h"

namespace salu {

struct PairSums {
  CurveSums<double> first, gate;
  PairSums& operator+=(const PairSums& o) {
    const auto add = [](CurveSums<double>& to, const CurveSums<double>& from) {
      to.all += from.all, to.bent += from.bent, to.straight += from.straight;
    };
    add(first, o.first), add(gate, o.gate);
    return *this;
  }
};

/// `residual` and `dresidual` are null except for salu_add_swalu.
template <class T>
struct SaluLoops {
  using Forward = void (*)(std::int64_t n, T* y, const T* x, const T* residual, const CurvePair<T>& curves);
  using Backward = PairSums (*)(std::int64_t n, T* dx, T* dresidual, const T* dy, const T* x,
                                const T* residual, const CurvePair<T>& curves);
  Forward forward[kSaluMembers];
  Backward backward[kSaluMembers];
};

/// The f32 table of the best instruction set this CPU has.
const SaluLoops<float>& salu_loops_f32();
const SaluLoops<double>& salu_loops_f64();
/// "avx512", "avx2" or "baseline": what salu_loops_f32() picked.
const char* instruction_set();

}  // namespace salu
