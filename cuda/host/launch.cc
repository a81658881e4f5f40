// SPDX-License-Identifier: MIT
#include "cuda/host/launch.h"

#include <set>
#include <string>

#include "core/error.h"
#include "cuda/host/machine.h"
#include "cuda/host/memory.h"
#include "cuda/host/queue.h"
#include "cuda/host/shared_memory.h"

namespace salu::cuda::host {
namespace {

std::set<std::string>& names() {
  static auto* instance = new std::set<std::string>;
  return *instance;
}
std::uint64_t launches = 0;

void check_shape(const LaunchCheck& c) {
  const int threads = c.threads_x * c.threads_y;
  if (c.threads_x < 1 || c.threads_y < 1 || threads > 1024) {
    fail(ErrorCode::environment, "{}: block of {} x {} threads; expected 1 to 1024", c.kernel, c.threads_x,
         c.threads_y);
  }
  if (c.blocks_x < 1 || c.blocks_x > 0x7fffffff || c.blocks_y < 1 || c.blocks_y > 65535 || c.blocks_z < 1 ||
      c.blocks_z > 65535) {
    fail(ErrorCode::environment,
         "{}: grid of {} x {} x {} blocks; expected 1..2147483647 x 1..65535 x 1..65535", c.kernel,
         c.blocks_x, c.blocks_y, c.blocks_z);
  }
  if (c.shared_bytes > kMostShared) {
    fail(ErrorCode::environment, "{}: {} bytes of dynamic shared memory; expected at most {}", c.kernel,
         c.shared_bytes, kMostShared);
  }
}

void check_pointers(const char* kernel, const std::vector<const void*>& pointers) {
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    if (pointers[i] && !is_device_memory(pointers[i])) {
      fail(ErrorCode::environment, "{}: argument {} is not device memory", kernel, i);
    }
  }
}

/// Blocks in ascending order, or all descending under schedule 1.
void run_grid(const LaunchCheck& c) {
  Machine& m = machine();
  const std::int64_t blocks = c.blocks_x * c.blocks_y * c.blocks_z;
  for (std::int64_t i = 0; i < blocks && m.error.empty(); ++i) {
    const std::int64_t b = m.schedule == 1 ? blocks - 1 - i : i;
    blockIdx = {static_cast<unsigned>(b % c.blocks_x), static_cast<unsigned>(b / c.blocks_x % c.blocks_y),
                static_cast<unsigned>(b / (c.blocks_x * c.blocks_y))};
    run_block(static_cast<std::size_t>(c.threads_x) * static_cast<std::size_t>(c.threads_y));
  }
}

void run(const LaunchCheck& c, const std::vector<const void*>& pointers, const std::function<void()>& body) {
  check_pointers(c.kernel, pointers);
  Machine& m = machine();
  {
    const DeviceAccess access;
    {
      const Quiet quiet;
      gridDim = {static_cast<unsigned>(c.blocks_x), static_cast<unsigned>(c.blocks_y),
                 static_cast<unsigned>(c.blocks_z)};
      blockDim = {static_cast<unsigned>(c.threads_x), static_cast<unsigned>(c.threads_y), 1};
      set_dynamic_shared(c.shared_bytes);
      m.kernel = c.kernel;
      m.body = body;
      m.error.clear();
#if defined(__SANITIZE_THREAD__)
      m.host_tsan = __tsan_get_current_fiber();
#endif
    }
    release(&m.start_slot);
    {
      const Quiet quiet;
      run_grid(c);
    }
    acquire(&m.end_slot);
  }
  const Quiet quiet;
  m.body = nullptr;
  if (m.error.empty()) return;
  for (Fiber& fiber : m.fibers) fiber.tsan = nullptr;  // stopped inside the kernel: not to be used again
  fail(ErrorCode::environment, "{}", m.error);
}

}  // namespace

void launch_body(const LaunchCheck& check, const std::vector<const void*>& pointers,
                 std::function<void()> body) {
  check_shape(check);
  names().insert(check.kernel);
  ++launches;
  enqueue([=] { run(check, pointers, body); });
}

void set_schedule(std::uint64_t seed) { machine().schedule = seed; }

Counters counters() { return {launches, machine().switches, machine().barriers, allocation_count()}; }

std::vector<std::string> launched_kernels() { return {names().begin(), names().end()}; }

}  // namespace salu::cuda::host
