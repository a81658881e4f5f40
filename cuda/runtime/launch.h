// SPDX-License-Identifier: MIT
/// The one door through which kernels are launched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

#include "cuda/runtime/launch_shape.h"

#if !defined(__CUDACC__)
#include "cuda/host/launch.h"
#endif

namespace salu::cuda {

#if defined(__CUDACC__)

/// Launches `kernel(args...)`; `name` is the kernel's own name, for errors and profiles. An empty grid (no
/// elements) is no launch.
template <class... P, class... A>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, A... args) {
  static_assert(sizeof...(P) == sizeof...(A), "one argument per kernel parameter");
  if (shape.blocks_x * shape.blocks_y * shape.blocks_z == 0) return;
  std::tuple<std::remove_const_t<P>...> values(static_cast<P>(args)...);
  std::apply(
      [&](auto&... value) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
        launch_on_device(name, reinterpret_cast<const void*>(kernel), shape, pointers);
      },
      values);
}

#else

/// The same on the host: see cuda/host/launch.h.
template <class... P, class... A>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, A... args) {
  static_assert(sizeof...(P) == sizeof...(A), "one argument per kernel parameter");
  if (shape.blocks_x * shape.blocks_y * shape.blocks_z == 0) return;
  const host::LaunchCheck check{name,
                                shape.blocks_x,
                                shape.blocks_y,
                                shape.blocks_z,
                                shape.threads_x,
                                shape.threads_y,
                                shape.shared_bytes};
  std::tuple<std::remove_const_t<P>...> values(static_cast<P>(args)...);
  std::apply([&](auto... value) { host::launch(check, kernel, value...); }, values);
}

#endif

}  // namespace salu::cuda
