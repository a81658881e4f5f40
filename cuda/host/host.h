// SPDX-License-Identifier: MIT
/// How tests drive the shim: schedules, deferred work, counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace salu::cuda::host {

/// Sets the order in which the threads of a block and the blocks of a grid run: 0 ascending, 1 descending,
/// other numbers shuffle. Under even numbers the warps of a block advance together; under odd ones a warp
/// runs up to its barrier before the next one moves. A correct kernel gives the same result under all.
void set_schedule(std::uint64_t seed);

/// When on, queued work runs only when something waits for it, as on a GPU, so that a host that reads too
/// early finds no data. Turning it off runs the queued work.
void set_deferred(bool on);

/// Limit of the device memory from allocate_raw; initially the machine's memory.
void set_memory_limit(std::size_t bytes);

struct Counters {
  std::int64_t launches = 0;     ///< kernels run
  std::int64_t barriers = 0;     ///< completed by a whole block
  std::int64_t collectives = 0;  ///< completed by the lanes of a mask
  std::int64_t switches = 0;     ///< switches between fibers
  std::int64_t allocations = 0;  ///< calls of allocate_raw
};
/// Counted since the start of the program.
const Counters& counters();

/// Names of all kernels run so far, sorted.
std::vector<std::string> launched_kernels();

}  // namespace salu::cuda::host
