// SPDX-License-Identifier: MIT
/// The simulated multiprocessor: one block at a time, every CUDA thread a fiber on one OS thread.
///
/// The scheduler (machine.cc) runs each ready fiber until it ends or waits; completes the warp collectives
/// whose whole mask has arrived (collectives.cc); then, if all threads wait at one barrier, releases it.
/// Anything else is an error of the kernel. The machine's state is global: kernels run from one OS thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "cuda/host/sanitizer.h"
#include "cuda/host/types.h"

namespace salu::cuda::host {

enum class ThreadState : std::uint8_t { ready, at_barrier, in_collective, done };
enum class Collective : std::uint8_t { none, shuffle, shuffle_up, shuffle_down, shuffle_xor, ballot, sync };

inline constexpr std::size_t kStackBytes = 128 * 1024;

/// One CUDA thread.
struct Fiber {
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  void* tsan = nullptr;        ///< ThreadSanitizer's identity
  void* fake_stack = nullptr;  ///< AddressSanitizer's

  uint3 thread{};
  unsigned linear = 0;
  ThreadState state = ThreadState::done;
  std::source_location where;  ///< of the barrier or collective it waits in

  // The collective it waits in, and its result.
  Collective collective = Collective::none;
  unsigned mask = 0;
  int operand = 0, width = 32;
  std::uint64_t value = 0, result = 0;

  // How many barriers and collectives it has passed. Slots alternate: with one slot, what happens after the
  // next barrier would seem to happen before this one.
  unsigned barriers = 0, collectives = 0;
};

struct Machine {
  std::vector<Fiber> fibers;
  Fiber* current = nullptr;
  std::function<void()> body;  ///< the kernel with its arguments
  std::string error;           ///< what a kernel did wrong; stops the launch
  const char* kernel = "";

  void* host_stack_pointer = nullptr;
  void* host_tsan = nullptr;
  void* host_fake_stack = nullptr;
  const void* host_stack = nullptr;
  std::size_t host_stack_bytes = 0;

  // Slots for acquire() and release().
  char barrier_slots[2]{}, collective_slots[32][2]{}, fence_slot = 0, start_slot = 0, end_slot = 0;

  int votes[2]{};  ///< of __syncthreads_count and its kin; slots alternate as above

  std::uint64_t schedule = 0;  ///< 0 ascending, 1 descending, else the seed of a shuffle
  std::uint64_t switches = 0, barriers = 0;
};

Machine& machine();
inline Fiber& self() { return *machine().current; }

void switch_to_fiber(Fiber& fiber);             ///< from the scheduler; returns when the fiber waits or ends
void switch_to_scheduler(bool ending = false);  ///< from a fiber

/// Runs one block of `threads` threads; leaves Machine::error when the kernel misbehaves.
void run_block(std::size_t threads);

/// Grows the set of fibers and readies the first `threads` for a block.
void prepare_fibers(std::size_t threads);

/// Ends the kernel with an error, from inside it.
[[noreturn]] void fail_in_kernel(const std::string& what, const std::source_location& where);

/// "relu.cu:12, thread (3,0,0) of block (0,0,0)"
std::string place(const Fiber& fiber, const std::source_location& where);

/// Completes the collectives of the warp of fibers [first, first + lanes) whose whole mask has arrived; true
/// when there was one.
bool complete_collectives(std::size_t first, std::size_t lanes);

}  // namespace salu::cuda::host
