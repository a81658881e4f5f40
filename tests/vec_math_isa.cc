// SPDX-License-Identifier: MIT
/// Compiled once per instruction set, each time in another namespace SALU_ISA (tests/meson.build).
#include "tests/vec_math_isa.h"

#include "core/simd/vec_math.h"

namespace salu::SALU_ISA {
namespace {

template <auto f, class Y, class X>
void map(std::int64_t n, Y* y, const X* x) {
  each_register<Vec>(n, [=](std::int64_t i, auto lanes) { lanes.store(y + i, f(lanes.load(x + i))); });
}
constexpr auto kExp = [](Vec x) { return exp(x); };
constexpr auto kTanh = [](Vec x) { return tanh(x); };
constexpr auto kErf = [](Vec x) { return erf(x); };
constexpr auto kSame = [](Vec x) { return x; };

}  // namespace

extern const test::VecMath vec_math;
const test::VecMath vec_math{map<kExp, float, float>, map<kTanh, float, float>, map<kErf, float, float>,
                             map<kSame, float, bf16>, map<kSame, bf16, float>};

}  // namespace salu::SALU_ISA
