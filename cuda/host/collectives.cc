// SPDX-License-Identifier: MIT
/// Shuffles, votes and warp barriers: a lane waits until all lanes of its mask are at the same call.
#include <fmt/format.h>

#include "cuda/host/machine.h"
#include "cuda/host/simt.h"

namespace salu::cuda::host {
namespace {

bool in_mask(unsigned mask, std::size_t lane) { return (mask >> lane & 1u) != 0; }

enum class Arrival { all, some, never };

/// Whether all lanes of the mask of `fibers[first + lane]` are in its collective.
Arrival arrival(const Fiber& fiber, std::size_t first, std::size_t lanes) {
  for (std::size_t lane = 0; lane < 32; ++lane) {
    if (!in_mask(fiber.mask, lane)) continue;
    if (lane >= lanes) return Arrival::never;
    const Fiber& other = machine().fibers[first + lane];
    if (other.state == ThreadState::done) return Arrival::never;
    if (other.state != ThreadState::in_collective || other.collective != fiber.collective ||
        other.mask != fiber.mask || other.where.line() != fiber.where.line() ||
        other.where.column() != fiber.where.column()) {
      return Arrival::some;
    }
  }
  return Arrival::all;
}

/// The lane whose value `lane` receives.
int source_lane(const Fiber& fiber, int lane) {
  const int width = fiber.width, segment = lane & ~(width - 1);
  switch (fiber.collective) {
    case Collective::shuffle:
      return segment | (fiber.operand & (width - 1));
    case Collective::shuffle_up:
      return lane - fiber.operand < segment ? lane : lane - fiber.operand;
    case Collective::shuffle_down:
      return lane + fiber.operand >= segment + width ? lane : lane + fiber.operand;
    case Collective::shuffle_xor:
      return (lane ^ fiber.operand) >= segment + width ? lane : lane ^ fiber.operand;
    default:
      return lane;
  }
}

/// Gives every lane of the mask its result; "" or what is wrong.
std::string exchange(unsigned mask, std::size_t first, std::size_t lanes) {
  Fiber* warp = &machine().fibers[first];
  std::uint64_t ballot = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (in_mask(mask, lane) && warp[lane].value) ballot |= std::uint64_t{1} << lane;
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (!in_mask(mask, lane)) continue;
    Fiber& fiber = warp[lane];
    const int source = source_lane(fiber, static_cast<int>(lane));
    if (!in_mask(mask, static_cast<std::size_t>(source))) {
      return fmt::format("{}: shuffle reads lane {}, which is not in its mask", place(fiber, fiber.where),
                         source);
    }
    fiber.result = fiber.collective == Collective::ballot ? ballot : warp[source].value;
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (in_mask(mask, lane)) warp[lane].state = ThreadState::ready;
  }
  return "";
}

}  // namespace

bool complete_collectives(std::size_t first, std::size_t lanes) {
  Machine& m = machine();
  bool any = false;
  for (std::size_t i = first; i < first + lanes; ++i) {
    const Fiber& fiber = m.fibers[i];
    if (fiber.state != ThreadState::in_collective) continue;
    switch (arrival(fiber, first, lanes)) {
      case Arrival::never:
        m.error = place(fiber, fiber.where) + ": the mask names a lane that has ended or does not exist";
        return false;
      case Arrival::some:
        continue;
      case Arrival::all:
        m.error = exchange(fiber.mask, first, lanes);
        if (!m.error.empty()) return false;
        any = true;
    }
  }
  return any;
}

std::uint64_t collective(Collective kind, unsigned mask, std::uint64_t value, int operand, int width,
                         const std::source_location& where) {
  Fiber& fiber = self();
  if (!in_mask(mask, fiber.linear % 32))
    fail_in_kernel("warp collective by a lane outside its own mask", where);
  if (width < 1 || width > 32 || (width & (width - 1)) != 0) {
    fail_in_kernel(fmt::format("shuffle width {}; expected a power of two up to 32", width), where);
  }
  char* slot = &machine().collective_slots[fiber.linear / 32][fiber.collectives & 1u];
  release(slot);
  {
    const Quiet quiet;
    fiber.state = ThreadState::in_collective;
    fiber.collective = kind;
    fiber.mask = mask;
    fiber.value = value;
    fiber.operand = operand;
    fiber.width = width;
    fiber.where = where;
  }
  switch_to_scheduler();
  acquire(slot);
  const Quiet quiet;
  ++fiber.collectives;
  return fiber.result;
}

void block_barrier(const std::source_location& where) {
  Fiber& fiber = self();
  char* slot = &machine().barrier_slots[fiber.barriers & 1u];
  release(slot);
  {
    const Quiet quiet;
    fiber.state = ThreadState::at_barrier;
    fiber.where = where;
  }
  switch_to_scheduler();
  acquire(slot);
  const Quiet quiet;
  ++fiber.barriers;
}

int block_count(bool predicate, const std::source_location& where) {
  Machine& m = machine();
  const unsigned slot = self().barriers & 1u;
  {
    const Quiet quiet;
    m.votes[slot] += predicate;
  }
  block_barrier(where);
  int count = 0;
  {
    const Quiet quiet;
    count = m.votes[slot];
  }
  block_barrier(where);  // nobody votes again before all have read
  const Quiet quiet;
  m.votes[slot] = 0;
  return count;
}

void fence() {
  acquire(&machine().fence_slot);
  release(&machine().fence_slot);
}

}  // namespace salu::cuda::host
