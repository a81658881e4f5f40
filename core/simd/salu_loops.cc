// SPDX-License-Identifier: MIT
#include "core/simd/salu_loops.h"

#include <string_view>

namespace salu {

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

const char* instruction_set() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return "avx512";
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "avx2" : "baseline";
}

const SaluLoops<float>& salu_loops_f32() {
  static const SaluLoops<float>& picked = []() -> const SaluLoops<float>& {
    const std::string_view isa = instruction_set();
    return isa == "avx512" ? avx512::loops_f32 : isa == "avx2" ? avx2::loops_f32 : baseline::loops_f32;
  }();
  return picked;
}

const SaluLoops<double>& salu_loops_f64() { return baseline::loops_f64; }

}  // namespace salu
