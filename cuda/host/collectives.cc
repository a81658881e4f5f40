// SPDX-License-Identifier: MIT
#include "cuda/host/collectives.h"

#include <algorithm>

#include "core/error.h"
#include "cuda/host/machine.h"
#include "cuda/host/sanitizer.h"

namespace salu::cuda::host {
namespace {

/// Consecutive atomics of one thread after which it must be spinning on a thread that cannot run: a second or
/// so.
constexpr long kMaxAtomics = 20'000'000;

/// The warp of `thread`.
Thread* warp_of(const Thread& thread) { return &machine().threads[thread.number / kLanes * kLanes]; }

bool in_mask(unsigned mask, int lane) { return (mask >> lane & 1) != 0; }

enum class Arrival { complete, waiting, impossible };

Arrival arrival(const Thread& waiting, const Thread* warp, int lanes) {
  bool all = true;
  for (int l = 0; l < kLanes; ++l) {
    if (!in_mask(waiting.mask, l)) continue;
    if (l >= lanes || warp[l].state == State::done) return Arrival::impossible;
    const Thread& other = warp[l];
    all = all && other.state == State::at_collective && other.mask == waiting.mask &&
          same_call(other.at, waiting.at);
  }
  return all ? Arrival::complete : Arrival::waiting;
}

void complete(unsigned mask, Thread* warp) {
  unsigned turns = 0;
  for (int l = 0; l < kLanes; ++l) {
    if (in_mask(mask, l)) turns |= (warp[l].arrivals & 1) << l;
  }
  for (int l = 0; l < kLanes; ++l) {
    if (!in_mask(mask, l)) continue;
    warp[l].turns = turns;
    warp[l].state = State::ready;
  }
  ++machine().counters.collectives;
}

}  // namespace

int sync_block(bool predicate, const Location& at) {
  Machine& m = machine();
  Thread& self = *m.running;
  // Two slots, used alternately. With one, work of a fast thread after this barrier, up to the next, would
  // seem to happen before a slow thread left it.
  char* slot = &m.slots->barrier[self.barriers & 1];
  release(slot);
  {
    const Quiet quiet;
    self.predicate = predicate;
  }
  wait_as(State::at_barrier, at);
  acquire(slot);
  const Quiet quiet;
  ++self.barriers;
  return m.barrier_count;
}

int threads_in_block() { return machine().thread_count; }

void fence() {
  Machine& m = machine();
  acquire(&m.fence_slot);
  release(&m.fence_slot);
}

void check_atomic(const void* address, std::size_t bytes, const Location& at) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0) {
    fail_in_kernel(at, fmt::format("atomic on the address {}; expected a multiple of {}", address, bytes));
  }
  const Quiet quiet;
  Thread* self = machine().running;
  if (++self->atomics < kMaxAtomics) return;
  fail_in_kernel(at,
                 "spins on an atomic: blocks, and threads between barriers, run one after another; expected "
                 "no thread to wait for another in a loop");
}

bool complete_collectives(int warp) {
  Machine& m = machine();
  Thread* threads = &m.threads[warp * kLanes];
  const int lanes = std::min(kLanes, m.thread_count - warp * kLanes);
  bool any = false;
  for (int l = 0; l < lanes; ++l) {
    const Thread& thread = threads[l];
    if (thread.state != State::at_collective) continue;
    const Arrival arrived = arrival(thread, threads, lanes);
    if (arrived == Arrival::impossible) {
      m.error = place(thread, thread.at) +
                fmt::format("the mask {:#x} names a lane that has exited or does not exist", thread.mask);
      return false;
    }
    if (arrived == Arrival::waiting) continue;
    complete(thread.mask, threads);
    any = true;
  }
  return any;
}

Collective::Collective(unsigned mask, std::uint64_t bits, const Location& at) : mask_(mask), at_(at) {
  Thread& self = *machine().running;
  lane_ = self.number % kLanes;
  if (!in_mask(mask, lane_)) {
    fail_in_kernel(at, fmt::format("lane {} calls with the mask {:#x}, which leaves it out", lane_, mask));
  }
  const Quiet quiet;
  self.mask = mask;
  self.brought[self.arrivals & 1] = bits;
  wait_as(State::at_collective, at);
  ++self.arrivals;
}

std::uint64_t Collective::bits_of(int lane) const {
  if (!in_mask(mask_, lane)) {
    fail_in_kernel(at_,
                   fmt::format("lane {} reads lane {}, which the mask {:#x} leaves out", lane_, lane, mask_));
  }
  const Quiet quiet;
  const Thread& self = *machine().running;
  return warp_of(self)[lane].brought[self.turns >> lane & 1];
}

void sync_warp(unsigned mask, const Location& at) {
  Machine& m = machine();
  const Thread& self = *m.running;
  auto* slots = m.slots->lane + self.number / kLanes * kLanes;
  release(&slots[self.number % kLanes][self.arrivals & 1]);
  const Collective call(mask, 0, at);
  for (int l = 0; l < kLanes; ++l) {
    if (in_mask(mask, l)) acquire(&slots[l][self.turns >> l & 1]);
  }
}

std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t bits, int argument, int width,
                      const Location& at) {
  if (width < 1 || width > kLanes || (width & (width - 1)) != 0) {
    fail_in_kernel(at, fmt::format("a shuffle of width {}; expected a power of two up to 32", width));
  }
  const Collective call(mask, bits, at);
  const int lane = call.lane(), group = lane & ~(width - 1);
  argument &= kLanes - 1;
  int source = lane;
  switch (kind) {
    case Shuffle::index:
      source = group | (argument & (width - 1));
      break;
    case Shuffle::up:
      source = lane - argument;
      if (source < group) source = lane;
      break;
    case Shuffle::down:
      source = lane + argument;
      if (source >= group + width) source = lane;
      break;
    case Shuffle::exclusive_or:
      source = lane ^ argument;
      if (source >= group + width) source = lane;
      break;
  }
  return call.bits_of(source);
}

}  // namespace salu::cuda::host
