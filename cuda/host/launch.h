// SPDX-License-Identifier: MIT
/// Launches on the host, for cuda/runtime/launch.h: refuses what a GPU would refuse, then queues the grid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

namespace salu::cuda::host {

/// Launch configuration of `kernel`.
struct Grid {
  const char* kernel;
  std::int64_t blocks_x, blocks_y, blocks_z;
  int threads_x, threads_y;
  std::size_t shared_bytes;
};

/// A pointer argument of a launch.
struct PointerArgument {
  int position;
  const void* value;
};

inline constexpr std::size_t kMaxArgumentBytes = 4096;  ///< limit of every GPU

/// Queues the grid; every thread runs `thread`. Throws ErrorCode::environment at once when the shape is
/// invalid or a pointer is neither null nor in live device memory. Kernel errors are thrown when the grid
/// runs: `kernel NAME, FILE:LINE, thread (x,y,z) of block (x,y,z): …`.
void launch_grid(const Grid& grid, std::vector<PointerArgument> pointers, std::function<void()> thread);

template <class... P>
void launch(const Grid& grid, void (*kernel)(P...), std::type_identity_t<P>... arguments) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "arguments of a kernel are copied as bytes");
  static_assert((sizeof(P) + ... + 0) <= kMaxArgumentBytes, "arguments of a kernel: at most 4096 bytes");
  std::vector<PointerArgument> pointers;
  int position = 0;
  const auto note = [&](const auto& argument) {
    if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(argument)>>) {
      pointers.push_back({position, argument});
    }
    ++position;
  };
  (note(arguments), ...);
  launch_grid(grid, std::move(pointers), [=] { kernel(arguments...); });
}

}  // namespace salu::cuda::host
