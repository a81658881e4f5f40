// SPDX-License-Identifier: MIT
/// The grid of a launch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace salu::cuda {

/// How many blocks of how many threads, and bytes of dynamic shared memory per block.
struct LaunchShape {
  std::int64_t blocks_x = 1, blocks_y = 1, blocks_z = 1;
  int threads_x = 1, threads_y = 1;
  std::size_t shared_bytes = 0;
};

/// Blocks of `threads` threads that cover n elements, `per_thread` each.
inline LaunchShape cover(std::int64_t n, int threads = 256, int per_thread = 1) {
  const std::int64_t per_block = std::int64_t{threads} * per_thread;
  return {.blocks_x = (n + per_block - 1) / per_block, .threads_x = threads};
}

/// As cover(), but at most `most` blocks: for kernels that walk over the data with the whole grid.
inline LaunchShape cover_at_most(std::int64_t most, std::int64_t n, int threads = 256, int per_thread = 1) {
  LaunchShape shape = cover(n, threads, per_thread);
  if (shape.blocks_x > most) shape.blocks_x = most;
  return shape;
}

/// Queues a kernel. Throws ErrorCode::environment with the kernel's name when CUDA refuses the launch.
void launch_on_device(const char* name, const void* kernel, const LaunchShape& shape, void** arguments);

}  // namespace salu::cuda
