// SPDX-License-Identifier: MIT
/// Random numbers without state: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011).
///
/// A draw is a pure function of (seed, purpose, epoch or step, index, position). The same sample therefore
/// gets the same augmentation with any number of workers, after any resume, and on any device.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/host_device.h"

namespace salu {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Ten rounds of Philox4x32.
SALU_HOST_DEVICE constexpr PhiloxBlock philox4x32(PhiloxBlock c, std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

/// The use of a stream of random numbers: streams of different purposes never overlap.
enum class Purpose : std::uint32_t {
  init = 1,
  shuffle,
  augment,
  shapes,
  dropout,
  drop_path,
  mixing,
  split,
  test,
  synthetic
};

/// Names a stream of random numbers.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::test;
  std::uint32_t time = 0;    ///< epoch or step
  std::uint32_t index = 0;   ///< sample, parameter or layer
  std::uint32_t repeat = 0;  ///< distinguishes streams of one sample; below 2^24

  /// The four numbers of one block of the stream.
  SALU_HOST_DEVICE constexpr PhiloxBlock block(std::uint32_t position) const {
    return philox4x32({position, index, time, static_cast<std::uint32_t>(purpose) | repeat << 8},
                      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  }
};

/// Uniform in [0, 1) with 24 bits: exact in float, so that every device gets the same value.
SALU_HOST_DEVICE constexpr float to_uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24f;
}

/// Reads a stream in order.
class Rng {
 public:
  explicit Rng(RandomKey key) : key_(key) {}

  std::uint32_t next() {
    if (used_ == 4) {
      block_ = key_.block(position_++);
      used_ = 0;
    }
    return block_[static_cast<std::size_t>(used_++)];
  }
  float uniform() { return to_uniform(next()); }  ///< [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// 0 .. n-1; the bias of the multiply-shift is below n / 2^32.
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((std::uint64_t{next()} * n) >> 32);
  }
  bool chance(double p) { return uniform() < p; }
  /// Standard normal by Box-Muller. Each number takes two draws, so that the position in the stream depends
  /// on the count only.
  double normal() {
    const double u = (static_cast<double>(next()) + 1.0) * 0x1p-32;  // (0, 1]
    const double v = static_cast<double>(next()) * 0x1p-32;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }

 private:
  RandomKey key_;
  PhiloxBlock block_{};
  std::uint32_t position_ = 0;
  int used_ = 4;
};

}  // namespace salu
