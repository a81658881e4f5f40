// SPDX-License-Identifier: MIT
/// Division by a number that is known before the launch: kernels that take pixels and taps apart would
/// otherwise spend more time on divisions, some 20 instructions each, than on the products.
#pragma once

#include <bit>
#include <cstdint>

#include "core/host_device.h"

namespace salu::cuda {

/// n / d for 0 <= n < 2^31 as one multiplication and a shift: floor(n m / 2^(31+s)) with s = ceil(log2 d),
/// m = ceil(2^(31+s) / d). The excess of m is below d <= 2^s, so that of n m / 2^(31+s) over n / d is below
/// 1/d: too little to reach the next whole number.
class Divisor {
 public:
  /// 1 <= d < 2^31; 0 counts as 1, for empty tensors.
  explicit Divisor(std::int64_t d)
      : d_(d > 0 ? static_cast<std::uint32_t>(d) : 1),
        shift_(31 + std::bit_width(d_ - 1)),
        multiplier_(((std::uint64_t{1} << shift_) + d_ - 1) / d_) {}

  SALU_HOST_DEVICE std::int32_t quotient(std::int32_t n) const {
    return static_cast<std::int32_t>(static_cast<std::uint64_t>(n) * multiplier_ >> shift_);
  }
  SALU_HOST_DEVICE std::int32_t remainder(std::int32_t n) const {
    return n - quotient(n) * static_cast<std::int32_t>(d_);
  }

 private:
  std::uint32_t d_;
  int shift_;
  std::uint64_t multiplier_;  // below 2^32
};

}  // namespace salu::cuda
