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

  SALU_HOST_DEVICE PoolRange(std::int64_t i, std::int64_t size, const Pool2dOptions& o)
      : begin(std::max<std::int64_t>(i * o.stride - o.padding, 0)),
        end(std::min(i * o.stride - o.padding + o.kernel, size)) {}
};

/// (N,P,Q,C) for x (N,H,W,C), P = floor((H + 2 padding - kernel) / stride) + 1. Throws when a window would
/// hold no pixel or would not fit.
Shape pool2d_shape(const char* op, const Shape& x, const Pool2dOptions& o);

}  // namespace salu
