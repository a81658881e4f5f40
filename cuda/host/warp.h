// SPDX-License-Identifier: MIT
/// Calls that the lanes of a warp make together.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace salu::cuda::host {

using Location = std::source_location;

/// One collective call: constructed by every lane of `mask`, complete when all have arrived at the same call.
/// It does not order memory; sync_warp() does. A mask that names lanes which have exited or do not exist is
/// an error, also where CUDA would not wait for them.
class Collective {
 public:
  Collective(unsigned mask, std::uint64_t bits, const Location& at);

  int lane() const { return lane_; }
  /// What a lane brought; an error in the kernel when the mask leaves it out.
  std::uint64_t bits_of(int lane) const;

 private:
  unsigned mask_;
  int lane_;
  Location at_;
};

/// __syncwarp: what the lanes of `mask` wrote before it, they all see after it.
void sync_warp(unsigned mask, const Location& at);

/// The lane that a shuffle reads, for every lane and every width: `group` is the first lane of the reader's
/// group of `width` lanes. The argument has 5 bits, as on the GPU.
enum class Shuffle { index, up, down, exclusive_or };
std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t bits, int argument, int width,
                      const Location& at);

template <class T>
std::uint64_t to_bits(T value) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "int, float or double");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

/// combine(combine(v0, v1), v2)…: over what the lanes of `mask` brought, in the order of the lanes.
template <class T, class F>
T reduce_lanes(unsigned mask, T value, const Location& at, F combine) {
  const Collective call(mask, to_bits(value), at);
  int lane = std::countr_zero(mask);
  T result = from_bits<T>(call.bits_of(lane));
  for (unsigned rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
    lane = std::countr_zero(rest);
    result = combine(result, from_bits<T>(call.bits_of(lane)));
  }
  return result;
}

/// Bit l of the result: what lane l brought satisfies `accept`.
template <class F>
unsigned vote_lanes(unsigned mask, std::uint64_t bits, const Location& at, F accept) {
  const Collective call(mask, bits, at);
  unsigned votes = 0;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (accept(call.bits_of(lane))) votes |= 1u << lane;
  }
  return votes;
}

}  // namespace salu::cuda::host
