// SPDX-License-Identifier: MIT
/// core/simd/vec.h and vec_math.h as functions on arrays, for each instruction set.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace salu::test {

struct VecMath {
  using Function = void (*)(std::int64_t n, float* y, const float* x);
  Function exp, tanh, erf;
  void (*widen)(std::int64_t n, float* y, const bf16* x);
  void (*narrow)(std::int64_t n, bf16* y, const float* x);
};

}  // namespace salu::test

// Defined by vec_math_isa.cc, compiled once each.
namespace salu::baseline {
extern const test::VecMath vec_math;
}
namespace salu::avx2 {
extern const test::VecMath vec_math;
}
namespace salu::avx512 {
extern const test::VecMath vec_math;
}
