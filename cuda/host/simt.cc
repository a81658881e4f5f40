// SPDX-License-Identifier: MIT
#include "cuda/host/simt.h"

#include "core/error.h"
#include "cuda/host/machine.h"
#include "cuda/host/sanitizer.h"

namespace salu::cuda::host {
namespace {

/// Atomics of one thread in a row after which it must be waiting for a thread that cannot run: a second or
/// so.
constexpr long kMaxAtomics = 20'000'000;

}  // namespace

int sync_block(bool predicate, const Location& at) {
  Machine& m = machine();
  Thread& self = *m.running;
  // Two slots, used in turn: with one, what a fast thread does after this barrier, up to the next, would
  // seem to have happened before a slow thread left it.
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

}  // namespace salu::cuda::host
