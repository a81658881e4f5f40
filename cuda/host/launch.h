// SPDX-License-Identifier: MIT
/// Launching kernels on the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace salu::cuda::host {

/// What a launch asks for; checked as CUDA would.
struct LaunchCheck {
  const char* kernel;
  std::int64_t blocks_x, blocks_y, blocks_z;
  int threads_x, threads_y;
  std::size_t shared_bytes;
};

/// Runs, queues (set_deferred) or records (Graph) the launch. `pointers` are the kernel's pointer arguments,
/// in order, null for the others. Throws ErrorCode::environment naming kernel, thread, block and source line.
void launch_body(const LaunchCheck& check, const std::vector<const void*>& pointers,
                 std::function<void()> body);

template <class... P>
void launch(const LaunchCheck& check, void (*kernel)(P...), std::remove_const_t<P>... args) {
  const auto pointer = [](const auto& value) -> const void* {
    if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(value)>>) {
      return value;
    } else {
      return nullptr;
    }
  };
  launch_body(check, {pointer(args)...}, [=] { kernel(args...); });
}

/// The order of threads and blocks: 0 ascending, 1 descending, else the seed of a shuffle.
void set_schedule(std::uint64_t seed);
/// While on, launches and queued copies wait until synchronize(), copy_to_host() or Event::wait(), as on a
/// GPU: a result that is read too early is missing.
void set_deferred(bool on);

struct Counters {
  std::uint64_t launches = 0, switches = 0, barriers = 0;
  std::uint64_t allocations = 0;  ///< of raw device memory
};
Counters counters();
std::vector<std::string> launched_kernels();  ///< sorted names

}  // namespace salu::cuda::host
