// SPDX-License-Identifier: MIT
#include "core/ops/pool2d.h"

namespace salu {

Shape pool2d_shape(const char* op, const Shape& x, const Pool2dOptions& o) {
  check(x.rank() == 4 && x[1] > 0 && x[2] > 0, "[{}] expected x (N,H,W,C) with at least one pixel, got {}",
        op, x.str());
  check(o.kernel > 0 && o.stride > 0 && o.padding >= 0 && 2 * o.padding <= o.kernel,
        "[{}] expected kernel, stride >= 1 and 0 <= padding <= kernel/2, got kernel {} stride {} padding {}",
        op, o.kernel, o.stride, o.padding);
  const std::int64_t h = x[1] + 2 * o.padding - o.kernel, w = x[2] + 2 * o.padding - o.kernel;
  check(h >= 0 && w >= 0,
        "[{}] expected a window no larger than the padded input, got kernel {} padding {} x {}", op, o.kernel,
        o.padding, x.str());
  return {x[0], h / o.stride + 1, w / o.stride + 1, x[3]};
}

}  // namespace salu
