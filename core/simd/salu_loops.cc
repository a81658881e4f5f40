// SPDX-License-Identifier: MIT
/// Compiled once per instruction set, each time into another namespace SALU_ISA (core/meson.build).
#include "core/simd/salu_loops.h"

#include "core/simd/vec.h"

namespace salu::SALU_ISA {
namespace {

template <class V, class T>
CurvePair<V> broadcast(const CurvePair<T>& c) {
  return {{V(c.first.s), V(c.first.inv_w)}, {V(c.gate.s), V(c.gate.inv_w)}};
}

template <SaluMember member, class V, class T>
void forward(std::int64_t n, T* y, const T* x, const T* residual, const CurvePair<T>& curves) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<V> c = broadcast<V>(curves);
  std::int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    member_value<member>(V::load(x + i), adds ? V::load(residual + i) : V(0), c).store(y + i);
  }
  if (i == n) return;
  T px[V::kLanes]{}, pr[V::kLanes]{}, py[V::kLanes];  // the last, partial register, padded with zeros
  for (std::int64_t k = i; k < n; ++k) {
    px[k - i] = x[k];
    if (adds) pr[k - i] = residual[k];
  }
  member_value<member>(V::load(px), V::load(pr), c).store(py);
  for (std::int64_t k = i; k < n; ++k) y[k] = py[k - i];
}

template <SaluMember member, class V, class T>
CurvePairSums<double> backward(std::int64_t n, T* dx, T* dresidual, const T* dy, const T* x,
                               const T* residual, const CurvePair<T>& curves) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<V> c = broadcast<V>(curves);
  CurvePairSums<V> sums;
  V dr(0);
  std::int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    member_gradient<member>(V::load(dy + i), V::load(x + i), adds ? V::load(residual + i) : V(0), dr, c, sums)
        .store(dx + i);
    if (adds) dr.store(dresidual + i);
  }
  if (i < n) {  // the padding's upstream gradient is 0 and adds nothing to the sums
    T pg[V::kLanes]{}, px[V::kLanes]{}, pr[V::kLanes]{}, pd[V::kLanes];
    for (std::int64_t k = i; k < n; ++k) {
      pg[k - i] = dy[k], px[k - i] = x[k];
      if (adds) pr[k - i] = residual[k];
    }
    member_gradient<member>(V::load(pg), V::load(px), V::load(pr), dr, c, sums).store(pd);
    dr.store(pr);
    for (std::int64_t k = i; k < n; ++k) {
      dx[k] = pd[k - i];
      if (adds) dresidual[k] = pr[k - i];
    }
  }
  const auto lanes = [](const CurveSums<V>& s) -> CurveSums<double> {
    return {s.all.sum(), s.bent.sum(), s.straight.sum()};
  };
  return {lanes(sums.first), lanes(sums.gate)};
}

template <class V, class T>
constexpr SaluLoops<T> table() {
  using enum SaluMember;
  return {{forward<salu, V, T>, forward<swalu, V, T>, forward<galu, V, T>, forward<salu_swalu, V, T>,
           forward<salu_add_swalu, V, T>},
          {backward<salu, V, T>, backward<swalu, V, T>, backward<galu, V, T>, backward<salu_swalu, V, T>,
           backward<salu_add_swalu, V, T>}};
}

}  // namespace

extern const SaluLoops<float> loops_f32;
constinit const SaluLoops<float> loops_f32 = table<Vec, float>();
#if defined(SALU_WITH_F64)  // f64 serves gradient checks only: one portable table, in the baseline copy
extern const SaluLoops<double> loops_f64;
constinit const SaluLoops<double> loops_f64 = table<Scalar<double>, double>();
#endif

}  // namespace salu::SALU_ISA
