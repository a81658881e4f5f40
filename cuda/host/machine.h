// SPDX-License-Identifier: MIT
/// The simulated multiprocessor: the threads of one block, and the calls they wait in. Only the shim's own
/// files include it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "cuda/host/fiber.h"
#include "cuda/host/host.h"
#include "cuda/host/vector_types.h"

namespace salu::cuda::host {

using Location = std::source_location;

inline constexpr int kMaxThreads = 1024, kLanes = 32;

enum class State : std::uint8_t { ready, at_barrier, at_collective, done };

/// One CUDA thread.
struct Thread {
  Fiber* fiber = nullptr;
  uint3 index{};
  int number = 0;  ///< in the block, x fastest; lane = number % 32
  State state = State::done;
  Location at;             ///< the call in which it waits
  bool predicate = false;  ///< argument of __syncthreads_count and its like
  unsigned barriers = 0;   ///< number of barriers passed; selects one of SyncSlots::barrier
  // Collectives. A lane may reach the next one before its neighbours have read its value for the previous
  // one: hence two values, used alternately.
  unsigned mask = 0;
  unsigned arrivals = 0;
  std::array<std::uint64_t, 2> brought{};
  unsigned turns = 0;  ///< bit l: which of the two values lane l used in the completed collective
  long atomics = 0;    ///< since the last switch
};

/// Slots of the thread sanitizer for one block. Each block gets new ones: an old slot would order the block
/// after the previous one and hide races between blocks.
struct SyncSlots {
  char barrier[2];
  char lane[kMaxThreads][2];
};

struct Machine {
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::array<Thread, kMaxThreads> threads;
  int thread_count = 0;
  Thread* running = nullptr;  ///< null while the scheduler or the host runs
  const char* kernel = "";
  std::function<void()> body;
  std::string error;      ///< error of the running grid, which is then abandoned
  int barrier_count = 0;  ///< number of true predicates at the last barrier
  std::unique_ptr<SyncSlots> slots;
  char start_slot = 0, done_slot = 0, fence_slot = 0;
  std::uint64_t schedule = 0, random = 0;
  Counters counters;
};

/// The only instance. Kernels run on one OS thread at a time.
Machine& machine();

/// `kernel NAME, FILE:LINE, thread (x,y,z) of block (x,y,z): `.
std::string place(const Thread& thread, const Location& at);

/// Within a kernel: aborts the grid with an error.
[[noreturn]] void fail_in_kernel(const Location& at, const std::string& what);

/// Within a kernel: waits in the given state until the scheduler resumes the thread.
void wait_as(State state, const Location& at);

/// True when both are the same call site.
bool same_call(const Location& a, const Location& b);

}  // namespace salu::cuda::host
