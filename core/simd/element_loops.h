// SPDX-License-Identifier: MIT
/// The loops of the elementwise formulas, one table of functions per instruction set and element type. A new
/// formula is listed here, and found by its type: `map_elements` (core/ops/elementwise.h).
#pragma once

#include <cstdint>
#include <functional>
#include <tuple>

#include "core/dtype.h"

namespace salu {

// The formulas, of core/ops/{activations,arithmetic,squash}.h.
template <class F>
struct Value;
template <class F>
struct Gradient;
struct Relu;
struct Gelu;
struct GeluTanh;
struct Swish;
struct Hardswish;
template <class P>
struct PreluValue;
template <class F, class P>
struct SquashValue;
struct Tanh;
struct Erf;
struct Bias;
template <class P>
struct Times;

/// y[i] = f(in[i]...) for i < n; y may be an input. Numbers of f are of type Wide<T>.
template <class F, class T, class... In>
using MapLoop = void (*)(std::int64_t n, T* y, const F& f, const In*... in);

/// One row of the backward pass of squash function F: sets dx, adds dgamma (channels), dbeta (channels),
/// dalpha and dshift to sums.
template <class F, class T>
using SquashRow = void (*)(std::int64_t channels, T* dx, Wide<T>* sums, const SquashValue<F, Wide<T>>& f,
                           const T* dy, const T* x, const Wide<T>* gamma);

template <class T, class... Fs>
using ActivationLoops = std::tuple<MapLoop<Value<Fs>, T, T>..., MapLoop<Gradient<Fs>, T, T, T>...>;
template <class T, class... Fs>
using SquashLoops =
    std::tuple<MapLoop<SquashValue<Fs, Wide<T>>, T, T, Wide<T>, Wide<T>>..., SquashRow<Fs, T>...>;
template <class T>
using ArithmeticLoops = std::tuple<MapLoop<std::plus<>, T, T, T>, MapLoop<std::multiplies<>, T, T, T>,
                                   MapLoop<Times<Wide<T>>, T, T>, MapLoop<Bias, T, T, Wide<T>>,
                                   MapLoop<PreluValue<Wide<T>>, T, T>>;

template <class T>
using ElementLoops = decltype(std::tuple_cat(ActivationLoops<T, Relu, Gelu, GeluTanh, Swish, Hardswish>(),
                                             SquashLoops<T, Tanh, Erf>(), ArithmeticLoops<T>()));

// Defined by element_loops_isa.cc, compiled three times: for T = float and bf16, in the baseline copy also
// double.
namespace baseline {
template <class T>
const ElementLoops<T>& element_loops();
}
namespace avx2 {
template <class T>
const ElementLoops<T>& element_loops();
}
namespace avx512 {
template <class T>
const ElementLoops<T>& element_loops();
}

}  // namespace salu
