// SPDX-License-Identifier: MIT
/// Compiled once per instruction set, each time in another namespace SALU_ISA (core/meson.build).
#include "core/simd/salu_loops.h"

#include "core/simd/vec.h"

namespace salu::SALU_ISA {
namespace {

template <class V, class T>
CurvePair<V> broadcast(const CurvePair<T>& c) {
  return {{V(c.first.s), V(c.first.inv_w)}, {V(c.gate.s), V(c.gate.inv_w)}};
}

template <SaluMember member, class V, class T>
[[gnu::flatten]] void forward(std::int64_t n, T* y, const T* x, const T* residual,
                              const CurvePair<Wide<T>>& curves) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<V> c = broadcast<V>(curves);
  each_register<V>(n, [&](std::int64_t i, auto lanes) {
    const V skip = adds ? lanes.load(residual + i) : V(0);
    lanes.store(y + i, member_value<member>(lanes.load(x + i), skip, c));
  });
}

template <SaluMember member, class V, class T>
[[gnu::flatten]] CurvePairSums<double> backward(std::int64_t n, T* dx, T* dresidual, const T* dy, const T* x,
                                                const T* residual, const CurvePair<Wide<T>>& curves) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<V> c = broadcast<V>(curves);
  CurvePairSums<V> sums;  // of a padded register, too: the padding's upstream gradient is 0
  each_register<V>(n, [&](std::int64_t i, auto lanes) {
    V dr(0);
    const V skip = adds ? lanes.load(residual + i) : V(0);
    lanes.store(dx + i, member_gradient<member>(lanes.load(dy + i), lanes.load(x + i), skip, dr, c, sums));
    if (adds) lanes.store(dresidual + i, dr);
  });
  const auto lanes = [](const CurveSums<V>& s) -> CurveSums<double> {
    return {s.all.sum(), s.bent.sum(), s.straight.sum()};
  };
  return {lanes(sums.first), lanes(sums.gate)};
}

template <class V, class T>
constexpr SaluLoops<T> kTable = [] {
  using enum SaluMember;
  return SaluLoops<T>{{forward<salu, V, T>, forward<swalu, V, T>, forward<galu, V, T>,
                       forward<salu_swalu, V, T>, forward<salu_add_swalu, V, T>},
                      {backward<salu, V, T>, backward<swalu, V, T>, backward<galu, V, T>,
                       backward<salu_swalu, V, T>, backward<salu_add_swalu, V, T>}};
}();

}  // namespace

template <class T>
const SaluLoops<T>& salu_loops() {
  return kTable<Vec, T>;
}
template const SaluLoops<float>& salu_loops();
template const SaluLoops<bf16>& salu_loops();
#if defined(SALU_WITH_F64)  // f64 serves gradient checks only: one portable table, in the baseline copy
template <>
const SaluLoops<double>& salu_loops() {
  return kTable<Scalar<double>, double>;
}
#endif

}  // namespace salu::SALU_ISA
