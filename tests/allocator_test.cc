// SPDX-License-Identifier: MIT
#include "core/allocator.h"

#include "core/tensor.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

TEST_CASE("blocks are aligned and writable to their last byte, also those of no bytes") {
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 511, 512, 513, 1000, 4095, 4097, 1048577}) {
    const auto block = allocate_host(bytes);
    REQUIRE(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block.get()) % kAlignment == 0);
    std::fill_n(static_cast<char*>(block.get()), bytes, 'x');
  }
  CHECK(allocate_host(0).get() != nullptr);
}

TEST_CASE("a block is used again, and the statistics follow it") {
  release_cached_host();
  const MemoryStats start = host_memory();
  CHECK(start.cached_bytes == 0);
  void* first = nullptr;
  {
    const auto block = allocate_host(100000);
    first = block.get();
    const MemoryStats held = host_memory();
    CHECK(held.live_blocks == start.live_blocks + 1);
    CHECK(held.live_bytes >= start.live_bytes + 100000);
    CHECK(held.live_bytes <= start.live_bytes + 112500);  // at most 12.5 % of padding
    CHECK(held.system_calls == start.system_calls + 1);
  }
  const MemoryStats freed = host_memory();
  CHECK(freed.live_blocks == start.live_blocks);
  CHECK(freed.live_bytes == start.live_bytes);
  CHECK(freed.cached_bytes >= 100000);
  const auto again = allocate_host(99999);  // the same size class
  CHECK(again.get() == first);
  CHECK(host_memory().system_calls == freed.system_calls);
  CHECK(host_memory().cached_bytes == 0);
}

TEST_CASE("a loop stops asking the system after its first round") {
  std::int64_t calls = 0;
  for (int round = 0; round < 5; ++round) {
    if (round == 1) calls = host_memory().system_calls;
    std::vector<Tensor> alive;
    for (const std::int64_t n : {3, 1000, 70001, 1000, 0}) alive.push_back(Tensor::zeros({n}));
  }
  CHECK(host_memory().system_calls == calls);
}

TEST_CASE("the peak is the highest use since it was reset") {
  const Tensor kept = Tensor::zeros({1000});
  reset_peak();
  const std::int64_t base = host_memory().live_bytes;
  CHECK(host_memory().peak_bytes == base);
  { const Tensor large = Tensor::zeros({100000}); }
  CHECK(host_memory().live_bytes == base);
  CHECK(host_memory().peak_bytes >= base + 400000);
  reset_peak();
  CHECK(host_memory().peak_bytes == base);
}

TEST_CASE("the cache can be given back") {
  { const Tensor t = Tensor::zeros({5000}); }
  CHECK(host_memory().cached_bytes >= 20000);
  release_cached_host();
  CHECK(host_memory().cached_bytes == 0);
}

TEST_CASE("more bytes than there are in a machine, or in 64 bits, are refused") {
  const MemoryStats before = host_memory();
#ifndef __SANITIZE_ADDRESS__  // it ends the program on such a size
  const std::string text = error_of([] { Tensor::empty({1ll << 45}); });
  CHECK(contains(text, "5: out of host memory: 140737488355328 bytes asked"));
  CHECK(contains(text, "Use a smaller batch"));
#endif
  // 2^61 doubles are 2^64 bytes, which is 0 in 64 bits.
  CHECK(error_of([] { Tensor::empty({1ll << 61}, DType::f64); }) ==
        "1: [tensor] (2305843009213693952) f64 has more bytes than 2^63");
  CHECK(host_memory().live_blocks == before.live_blocks);
  CHECK(host_memory().live_bytes == before.live_bytes);
}

}  // namespace
}  // namespace salu::test
