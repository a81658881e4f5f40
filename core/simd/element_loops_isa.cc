// SPDX-License-Identifier: MIT
/// Compiled once per instruction set, each time in another namespace SALU_ISA (core/meson.build).
#include "core/ops/activations.h"
#include "core/ops/arithmetic.h"
#include "core/ops/squash.h"
#include "core/simd/element_loops.h"
#include "core/simd/vec_math.h"

namespace salu::SALU_ISA {
namespace {

template <class V, class F, class T, class... In>
[[gnu::flatten]] void map(std::int64_t n, T* y, const F& f, const In*... in) {
  each_register<V>(n, [=](std::int64_t i, auto lanes) { lanes.store(y + i, f(lanes.load(in + i)...)); });
}

template <class V, class F, class T>
[[gnu::flatten]] void squash_row(std::int64_t channels, T* dx, Wide<T>* sums,
                                 const SquashValue<F, Wide<T>>& f, const T* dy, const T* x,
                                 const Wide<T>* gamma) {
  Wide<T>*dgamma = sums, *dbeta = sums + channels, *scalars = sums + 2 * channels;
  const V alpha(f.alpha), shift(f.shift);
  V dalpha(0), dshift(0);  // of a padded register, too: the padding's upstream gradient is 0
  each_register<V>(channels, [&](std::int64_t i, auto lanes) {
    const V g = lanes.load(dy + i), v = lanes.load(x + i);
    const auto [value, slope] = F{}(alpha * v + shift);
    const V du = g * lanes.load(gamma + i) * slope;
    lanes.store(dx + i, du * alpha);
    lanes.store(dgamma + i, lanes.load(dgamma + i) + g * value);
    lanes.store(dbeta + i, lanes.load(dbeta + i) + g);
    dalpha = dalpha + du * v;
    dshift = dshift + du;
  });
  scalars[0] += static_cast<Wide<T>>(dalpha.sum());
  scalars[1] += static_cast<Wide<T>>(dshift.sum());
}

/// The functions in the place of their types.
template <class V>
struct Loop {
  template <class F, class T, class... In>
  constexpr operator MapLoop<F, T, In...>() const {
    return map<V, F, T, In...>;
  }
  template <class F, class T>
  constexpr operator SquashRow<F, T>() const {
    return squash_row<V, F, T>;
  }
};

template <class V, class... Loops>
constexpr std::tuple<Loops...> filled(std::type_identity<std::tuple<Loops...>>) {
  return {static_cast<Loops>(Loop<V>())...};
}

template <class V, class T>
constexpr ElementLoops<T> kTable = filled<V>(std::type_identity<ElementLoops<T>>());

}  // namespace

template <class T>
const ElementLoops<T>& element_loops() {
  return kTable<Vec, T>;
}
template const ElementLoops<float>& element_loops<float>();
template const ElementLoops<bf16>& element_loops<bf16>();
#if defined(SALU_WITH_F64)  // f64 serves gradient checks only: one portable table, in the baseline copy
template <>
const ElementLoops<double>& element_loops<double>() {
  return kTable<Scalar<double>, double>;
}
#endif

}  // namespace salu::SALU_ISA
