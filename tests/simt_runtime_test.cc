// SPDX-License-Identifier: MIT
/// core/gpu.h and launches on the host (cuda/host): memory, order, graphs, refusals and counters.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/gpu.h"
#include "cuda/host/host.h"
#include "cuda/kernels/kernel.cuh"
#include "tests/catch.h"
#include "tests/simt/device_array.h"

namespace salu::test {
namespace {

using namespace cuda;
using namespace gpu;

__global__ void increment_kernel(int* y) {
  const int value = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = value + 1;
}
__global__ void warp_kernel(int* y) { y[threadIdx.x] = warp_sum(1); }

void increment(DeviceArray<int>& y, int threads) {
  launch("increment_kernel", increment_kernel, {.threads_x = threads}, y.data());
}

/// Deferred while it lives.
struct Deferred {
  Deferred() { host::set_deferred(true); }
  ~Deferred() { host::set_deferred(false); }
};

TEST_CASE("device memory is aligned, filled with 0xFF, and limited") {
  DeviceArray<unsigned char> a(3), b(1000);
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 256 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 256 == 0);
  const auto bytes = b.values();
  CHECK(std::all_of(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte == 0xFF; }));
  const DeviceInfo before = device_info();
  host::set_memory_limit(before.total_bytes - before.free_bytes + 5000);
  void* fits = allocate_raw(5000);
  CHECK(fits != nullptr);
  CHECK(device_info().free_bytes == 0);
  CHECK(allocate_raw(1) == nullptr);
  release_raw(fits);
  CHECK(device_info().free_bytes == 5000);
  host::set_memory_limit(before.total_bytes);
  void* nothing = allocate_raw(0);
  CHECK(nothing != nullptr);
  release_raw(nothing);
  release_raw(nullptr);
}

TEST_CASE("copies") {
  const std::vector<int> values{1, 2, 3, 4};
  DeviceArray<int> a(values), b(4);
  copy_on_device(b.data() + 1, a.data(), 3 * sizeof(int));
  CHECK(b.values() == std::vector<int>{-1, 1, 2, 3});  // the 0xFF of new memory
  const std::shared_ptr<void> memory = allocate_pinned(4 * sizeof(int));
  auto* pinned = static_cast<int*>(memory.get());
  queue_copy_to_host(pinned, a.data(), 4 * sizeof(int));
  synchronize();
  CHECK(std::vector<int>(pinned, pinned + 4) == values);
  pinned[0] = 9;
  queue_copy_to_device(b.data(), pinned, sizeof(int));
  CHECK(b.values()[0] == 9);
}

TEST_CASE("launches are checked as CUDA would check them") {
  DeviceArray<int> y(std::vector<int>(64));
  const auto error = [&](const LaunchShape& shape) {
    return error_of([&] { launch("increment_kernel", increment_kernel, shape, y.data()); });
  };
  CHECK(error({.threads_x = 1025}) ==
        "5: kernel increment_kernel: block of 1025 x 1 threads; expected 1 to 1024 in all");
  CHECK(error({.threads_x = 64, .threads_y = 17}) ==
        "5: kernel increment_kernel: block of 64 x 17 threads; expected 1 to 1024 in all");
  CHECK(error({.threads_x = 0}) ==
        "5: kernel increment_kernel: block of 0 x 1 threads; expected 1 to 1024 in all");
  CHECK(error({.blocks_y = 65536}) ==
        "5: kernel increment_kernel: grid of 1 x 65536 x 1 blocks; expected 1 to 2147483647 x 65535 x 65535");
  CHECK(error({.blocks_x = -1}) ==
        "5: kernel increment_kernel: grid of -1 x 1 x 1 blocks; expected 1 to 2147483647 x 65535 x 65535");
  CHECK(error({.shared_bytes = 227 * 1024 + 1}) ==
        "5: kernel increment_kernel: 232449 bytes of dynamic shared memory; expected at most 232448");
  CHECK(error({.shared_bytes = 227 * 1024}) == "no error");
  CHECK(error({.blocks_x = 0}) == "no error");
  int on_host = 0;
  CHECK(contains(error_of([&] { launch("increment_kernel", increment_kernel, {}, &on_host); }),
                 "5: kernel increment_kernel: argument 0 is "));
  CHECK(contains(error_of([&] { launch("increment_kernel", increment_kernel, {}, y.data() + 65); }),
                 "which is not in live device memory; expected device memory or null"));
}

TEST_CASE("copies outside a block, and blocks that are not live, are refused") {
  DeviceArray<int> y(4);
  std::vector<int> host(8);
  CHECK(contains(error_of([&] { copy_to_device(y.data(), host.data(), 17); }), "17 bytes at"));
  CHECK(contains(error_of([&] { copy_to_host(host.data(), host.data(), 4); }),
                 "do not lie in one live block of device memory"));
  CHECK(contains(error_of([&] { copy_on_device(y.data(), y.data() + 4, 1); }),
                 "5: cuda-host: copy on the device: 1 bytes at"));
  CHECK(contains(error_of([&] { queue_copy_to_host(host.data(), y.data(), 4); }),
                 "do not lie in one live block of pinned memory"));
  CHECK(contains(error_of([&] { release_raw(host.data()); }),
                 "not the start of a live block; released twice?"));
  CHECK(contains(error_of([&] { use_device(1); }), "expected cuda:0"));
}

TEST_CASE("a write beyond a block of device memory is found after the launch") {
  DeviceArray<int> y(std::vector<int>(60));
  CHECK(error_of([&] { increment(y, 64); }) ==
        "5: kernel increment_kernel: wrote beyond the end of a block of device memory");
  CHECK(error_of([&] { increment(y, 60); }) == "no error");
}

TEST_CASE("counters") {
  DeviceArray<int> y(std::vector<int>(64));
  const host::Counters before = host::counters();
  launch("increment_kernel", increment_kernel, {.threads_x = 64}, y.data());
  launch("warp_kernel", warp_kernel, {.blocks_x = 3, .threads_x = 64}, y.data());
  const DeviceArray<int> another(5);
  const host::Counters after = host::counters();
  CHECK(after.launches - before.launches == 2);
  CHECK(after.barriers - before.barriers == 1);
  CHECK(after.collectives - before.collectives == 3 * 2 * 5);            // 5 shuffles in each of 2 warps
  CHECK(after.switches - before.switches == 64 * 2 + 3 * 64 * (5 + 1));  // one more than there are waits
  CHECK(after.allocations - before.allocations == 1);
  const std::vector<std::string> names = host::launched_kernels();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::count(names.begin(), names.end(), "warp_kernel") == 1);
}

TEST_CASE("deferred work runs when something waits for it") {
  DeviceArray<int> y(std::vector<int>(32));
  const std::shared_ptr<void> memory = allocate_pinned(32 * sizeof(int));
  auto* pinned = static_cast<int*>(memory.get());
  {
    const Deferred deferred;
    Event between;
    between.wait();  // never recorded: passed, as in CUDA
    const auto launches = host::counters().launches;
    increment(y, 32);
    queue_copy_to_host(pinned, y.data(), 32 * sizeof(int));
    between.record();
    increment(y, 32);
    CHECK(host::counters().launches == launches);
    CHECK(pinned[0] == -1);  // the 0xFF of new memory
    between.wait();
    CHECK(pinned[0] == 1);
    CHECK(host::counters().launches == launches + 1);  // the later kernel has not run
    CHECK(y.values()[31] == 2);
    Event last;
    increment(y, 32);
    last.record();
    CHECK(
        contains(error_of([&] { static_cast<void>(last.milliseconds_since(between)); }), "have not passed"));
    last.wait();
    CHECK(last.milliseconds_since(between) >= 0);
  }
}

TEST_CASE(
    "in deferred mode an error of a kernel surfaces at synchronize, and drops the work queued after it") {
  DeviceArray<int> y(std::vector<int>(60)), z(std::vector<int>(4));
  const Deferred deferred;
  CHECK(error_of([&] { increment(y, 64); }) == "no error");
  increment(z, 4);
  Event after;
  after.record();
  CHECK(contains(error_of([] { synchronize(); }), "wrote beyond the end"));
  CHECK(contains(error_of([&] { after.wait(); }), "waits for an event after work that failed"));
  CHECK(z.values()[0] == 0);
}

TEST_CASE("a graph records without running, and replays") {
  DeviceArray<int> y(std::vector<int>(32)), z(32);
  Graph graph;
  const auto launches = host::counters().launches;
  graph.begin();
  CHECK(recording());
  increment(y, 32);
  copy_on_device(z.data(), y.data(), 32 * sizeof(int));
  increment(y, 32);
  graph.end();
  CHECK_FALSE(recording());
  CHECK(host::counters().launches == launches);
  graph.replay();
  graph.replay();
  CHECK(host::counters().launches == launches + 4);
  CHECK(y.values() == std::vector<int>(32, 4));
  CHECK(z.values() == std::vector<int>(32, 3));
  const Deferred deferred;
  graph.replay();
  CHECK(host::counters().launches == launches + 4);
  CHECK(y.values() == std::vector<int>(32, 6));
}

TEST_CASE("while a graph is being recorded, nothing may wait or touch memory") {
  DeviceArray<int> y(std::vector<int>(4));
  int on_host[4];
  Event event;
  {
    Graph graph, second;
    graph.begin();
    const auto refused = [](const std::function<void()>& call) {
      return contains(error_of(call), "while a graph is being recorded");
    };
    CHECK(refused([] { synchronize(); }));
    CHECK(refused([] { allocate_raw(4); }));
    CHECK(refused([] { allocate_pinned(4); }));
    CHECK(refused([&] { release_raw(y.data()); }));
    CHECK(refused([&] { copy_to_host(on_host, y.data(), 4); }));
    CHECK(refused([&] { copy_to_device(y.data(), on_host, 4); }));
    CHECK(refused([&] { event.record(); }));
    CHECK(refused([&] { event.wait(); }));
    CHECK(refused([&] { second.begin(); }));
    CHECK(contains(error_of([&] { second.end(); }), "is not being recorded"));
  }
  CHECK_FALSE(recording());  // a graph that goes away ends its recording
  Graph empty;
  CHECK(contains(error_of([&] { empty.replay(); }), "replay of a graph without a recording"));
}

}  // namespace
}  // namespace salu::test
