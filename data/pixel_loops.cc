// SPDX-License-Identifier: MIT
#include "data/pixel_loops.h"

namespace salu {

namespace baseline {
extern const PixelLoops pixel_loops;
}
namespace avx2 {
extern const PixelLoops pixel_loops;
}
namespace avx512 {
extern const PixelLoops pixel_loops;
}

const PixelLoops& pixel_loops() {
  static const PixelLoops& picked = []() -> const PixelLoops& {
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return avx512::pixel_loops;
    return __builtin_cpu_supports("avx2") ? avx2::pixel_loops : baseline::pixel_loops;
  }();
  return picked;
}

}  // namespace salu
