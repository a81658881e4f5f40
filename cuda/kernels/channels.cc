// SPDX-License-Identifier: MIT
#include "cuda/kernels/channels.h"

#include "core/error.h"

namespace salu::cuda {

Shape padded_channels(const Shape& shape) {
  check(shape.rank() > 0 && shape[-1] <= kPaddedChannels,
        "[pad_channels] expected at most {} channels, got {}", kPaddedChannels, shape.str());
  return shape.with(shape.rank() - 1, kPaddedChannels);
}

}  // namespace salu::cuda
