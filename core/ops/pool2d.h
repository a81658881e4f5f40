// SPDX-License-Identifier: MIT
/// The windows of max_pool2d and avg_pool2d.
#pragma once

#include <algorithm>

#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// Pixels [begin, end) of one dimension that a window covers; padding is cut off.
struct PoolRange {
  std::int64_t begin, end;

  PoolRange(std::int64_t i, std::int64_t size, const Pool2dOptions& o)
      : begin(std::max<std::int64_t>(i * o.stride - o.padding, 0)),
        end(std::min(i * o.stride - o.padding + o.kernel, size)) {}
};

/// (N,P,Q,C) for x (N,H,W,C), P = floor((H + 2 padding - kernel) / stride) + 1. Throws when a window would
/// hold no pixel or would not fit.
inline Shape pool2d_shape(const char* op, const Shape& x, const Pool2dOptions& o) {
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
