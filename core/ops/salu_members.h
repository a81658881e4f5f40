// SPDX-License-Identifier: MIT
/// The five functions of the SALU family as compositions of the curves of salu_math.h, for every back end.
#pragma once

#include "core/ops/salu_math.h"

namespace salu {

/// Which function of the family; the fused ones are swalu(salu(x)) and swalu(salu(x) + residual).
enum class SaluMember { salu, swalu, galu, salu_swalu, salu_add_swalu };
inline constexpr int kSaluMembers = 5;

/// Curves and sums of one call. Single functions use `first` only: the curve of the stabilizer, or that of
/// the gate.
template <class T>
struct CurvePair {
  Curve<T> first, gate;
};
template <class V>
struct MemberSums {
  CurveSums<V> first, gate;
};

/// y of one element, or of one register of elements.
template <SaluMember member, class V>
SALU_HOST_DEVICE V member_value(V x, [[maybe_unused]] V residual, const CurvePair<V>& c) {
  if constexpr (member == SaluMember::salu) return salu_value(x, c.first);
  if constexpr (member == SaluMember::swalu) return swalu_value(x, c.first);
  if constexpr (member == SaluMember::galu) return galu_value(x, c.first);
  if constexpr (member == SaluMember::salu_swalu) return swalu_value(salu_value(x, c.first), c.gate);
  if constexpr (member == SaluMember::salu_add_swalu) {
    return swalu_value(salu_value(x, c.first) + residual, c.gate);
  }
}

/// dx; `dresidual` is set by salu_add_swalu only.
template <SaluMember member, class V>
SALU_HOST_DEVICE V member_gradient(V dy, V x, [[maybe_unused]] V residual, [[maybe_unused]] V& dresidual,
                                   const CurvePair<V>& c, MemberSums<V>& sums) {
  if constexpr (member == SaluMember::salu) return salu_gradient(dy, x, c.first, sums.first);
  if constexpr (member == SaluMember::swalu) return swalu_gradient(dy, x, c.first, sums.first);
  if constexpr (member == SaluMember::galu) return galu_gradient(dy, x, c.first, sums.first);
  if constexpr (member == SaluMember::salu_swalu || member == SaluMember::salu_add_swalu) {
    V h = salu_value(x, c.first);
    if constexpr (member == SaluMember::salu_add_swalu) h = h + residual;
    dresidual = swalu_gradient(dy, h, c.gate, sums.gate);
    return salu_gradient(dresidual, x, c.first, sums.first);
  }
}

}  // namespace salu
