// SPDX-License-Identifier: MIT
/// Launches of kernels: launch() is the only way to start one, on the GPU and on the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

#if !defined(__CUDACC__)
#include "cuda/host/launch.h"
#endif

namespace salu::cuda {

/// Launch configuration; the dynamic shared memory is in bytes per block.
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

/// cover() limited to `most` blocks, for grid-stride loops.
inline LaunchShape cover_at_most(std::int64_t most, std::int64_t n, int threads = 256, int per_thread = 1) {
  LaunchShape shape = cover(n, threads, per_thread);
  if (shape.blocks_x > most) shape.blocks_x = most;
  return shape;
}

/// Queues a kernel on the GPU. Throws ErrorCode::environment with the kernel's name when CUDA refuses.
void launch_on_device(const char* name, const void* kernel, const LaunchShape& shape, void** arguments);

/// Queues `kernel(args...)`; `name` is the kernel's name, for errors and profiles. An empty grid (no
/// elements) launches nothing.
template <class... P, class... A>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, A... args) {
  static_assert(sizeof...(P) == sizeof...(A), "one argument per kernel parameter");
  if (shape.blocks_x * shape.blocks_y * shape.blocks_z == 0) return;
  std::tuple<std::remove_const_t<P>...> values(static_cast<P>(args)...);
#if defined(__CUDACC__)
  std::apply(
      [&](auto&... value) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
        launch_on_device(name, reinterpret_cast<const void*>(kernel), shape, pointers);
      },
      values);
#else
  const host::Grid grid{name,
                        shape.blocks_x,
                        shape.blocks_y,
                        shape.blocks_z,
                        shape.threads_x,
                        shape.threads_y,
                        shape.shared_bytes};
  std::apply([&](auto... value) { host::launch(grid, kernel, value...); }, values);
#endif
}

}  // namespace salu::cuda
