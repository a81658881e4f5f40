// SPDX-License-Identifier: MIT
/// Calls in which the threads of a block wait for each other, or order what they write: barriers, collectives
/// of a warp, fences, atomics.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace salu::cuda::host {

using Location = std::source_location;

/// Barrier of the block; returns the number of true predicates.
int sync_block(bool predicate, const Location& at);
int threads_in_block();
void fence();
/// Fails the kernel when the address is not a multiple of `bytes`, or when the thread spins.
void check_atomic(const void* address, std::size_t bytes, const Location& at);

/// One collective call. Every lane of `mask` constructs it; it is complete when all have arrived at the same
/// call. It does not order memory; sync_warp() does. A mask with lanes that have exited or do not exist is an
/// error, also where CUDA would not wait for them.
class Collective {
 public:
  Collective(unsigned mask, std::uint64_t bits, const Location& at);

  int lane() const { return lane_; }
  /// The value of a lane; fails the kernel when the mask excludes it.
  std::uint64_t bits_of(int lane) const;

 private:
  unsigned mask_;
  int lane_;
  Location at_;
};

/// __syncwarp: afterwards all lanes of `mask` see each other's earlier writes.
void sync_warp(unsigned mask, const Location& at);

/// A shuffle within the reader's group of `width` lanes. `argument` is a lane of the group (index), a
/// distance (up, down) or a mask (exclusive_or); it has 5 bits, as on the GPU.
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

/// combine(combine(v0, v1), v2)… over the values of the lanes of `mask`, in lane order.
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

/// Ballot: bit l is set when the value of lane l satisfies `accept`.
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

/// For the scheduler: completes every collective of a warp whose lanes have all arrived; returns true when
/// there was one. Sets machine().error when one can never complete because a lane of its mask has exited.
bool complete_collectives(int warp);

}  // namespace salu::cuda::host
