// SPDX-License-Identifier: MIT
#include "cuda/host/launch.h"

#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "cuda/host/device_memory.h"
#include "cuda/host/host.h"
#include "cuda/host/machine.h"
#include "cuda/host/shared_memory.h"
#include "cuda/host/stream.h"

namespace salu::cuda::host {
namespace {

constexpr std::int64_t kMaxBlocksX = 2147483647, kMaxBlocksYZ = 65535;

std::set<std::string>& names() {
  static auto* all = new std::set<std::string>;  // leaked on purpose: kernels may run from static destructors
  return *all;
}

void check_shape(const LaunchCheck& c) {
  const std::int64_t threads = std::int64_t{c.threads_x} * c.threads_y;
  if (c.threads_x < 1 || c.threads_y < 1 || threads > kMaxThreads) {
    fail(ErrorCode::environment, "kernel {}: block of {} x {} threads; expected 1 to {} in all", c.kernel,
         c.threads_x, c.threads_y, kMaxThreads);
  }
  const auto within = [](std::int64_t blocks, std::int64_t most) { return blocks >= 1 && blocks <= most; };
  if (!within(c.blocks_x, kMaxBlocksX) || !within(c.blocks_y, kMaxBlocksYZ) ||
      !within(c.blocks_z, kMaxBlocksYZ)) {
    fail(ErrorCode::environment, "kernel {}: grid of {} x {} x {} blocks; expected 1 to {} x {} x {}",
         c.kernel, c.blocks_x, c.blocks_y, c.blocks_z, kMaxBlocksX, kMaxBlocksYZ, kMaxBlocksYZ);
  }
  if (c.shared_bytes > kMaxShared) {
    fail(ErrorCode::environment, "kernel {}: {} bytes of dynamic shared memory; expected at most {}",
         c.kernel, c.shared_bytes, kMaxShared);
  }
}

void check_pointers(const char* kernel, const std::vector<PointerArgument>& pointers) {
  for (const PointerArgument& p : pointers) {
    if (!p.value || in_device_memory(p.value)) continue;
    fail(ErrorCode::environment,
         "kernel {}: argument {} is {}, which is not in live device memory; expected device memory or null",
         kernel, p.position, p.value);
  }
}

}  // namespace

std::vector<std::string> launched_kernels() { return {names().begin(), names().end()}; }

void launch_grid(const LaunchCheck& check, std::vector<PointerArgument> pointers,
                 std::function<void()> thread) {
  if (machine().running) {
    fail_in_kernel(Location::current(),
                   fmt::format("launches {}; expected launches by the host", check.kernel));
  }
  check_shape(check);
  check_pointers(check.kernel, pointers);
  enqueue([=, name = std::string(check.kernel), pointers = std::move(pointers)] {
    LaunchCheck shape = check;
    shape.kernel = name.c_str();
    check_pointers(shape.kernel, pointers);  // again: queued work may run after a release
    names().insert(name);
    const DeviceAccess access;
    run_grid(shape, thread);
    check_block_ends(shape.kernel);
  });
}

}  // namespace salu::cuda::host
