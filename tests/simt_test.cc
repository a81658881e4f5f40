// SPDX-License-Identifier: MIT
/// The shim that runs kernels on the host: its plain variant.
#include <vector>

#include "cuda/host/host.h"
#include "cuda/kernel.cuh"
#include "cuda/runtime.h"
#include "tests/catch.h"

namespace salu::cuda {
namespace {

__global__ void add_kernel(std::int64_t n, float* c, const float* a, const float* b) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) c[i] = a[i] + b[i];
}

TEST_CASE("vector add") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    host::set_schedule(seed);
    const std::int64_t n = 1001;
    std::vector<float> a(n), b(n), c(n);
    for (std::int64_t i = 0; i < n; ++i) {
      a[i] = static_cast<float>(i);
      b[i] = 0.5f;
    }
    auto *da = static_cast<float*>(allocate_raw(n * 4)), *db = static_cast<float*>(allocate_raw(n * 4)),
         *dc = static_cast<float*>(allocate_raw(n * 4));
    copy_to_device(da, a.data(), n * 4);
    copy_to_device(db, b.data(), n * 4);
    launch("add_kernel", add_kernel, cover_at_most(3, n, 64), n, dc, da, db);
    copy_to_host(c.data(), dc, n * 4);
    for (std::int64_t i = 0; i < n; ++i) CHECK(c[i] == static_cast<float>(i) + 0.5f);
    release_raw(da);
    release_raw(db);
    release_raw(dc);
  }
}

__global__ void block_sum_kernel(std::int64_t n, float* y, float* parts, unsigned* ticket, const float* x) {
  float sum = 0;
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) sum += x[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
  if (!last_block(ticket)) return;
  float all = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) all += parts[b];
  all = block_sum(all);
  if (threadIdx.x == 0) *y = all;
}

TEST_CASE("a sum in two stages") {
  const std::int64_t n = 777;
  std::vector<float> x(n, 1.0f);
  auto* dx = static_cast<float*>(allocate_raw(n * 4));
  auto* y = static_cast<float*>(allocate_raw(4));
  auto* parts = static_cast<float*>(allocate_raw(5 * 4));
  auto* ticket = static_cast<unsigned*>(allocate_raw(4));
  fill_bytes(ticket, 0, 4);
  copy_to_device(dx, x.data(), n * 4);
  launch("block_sum_kernel", block_sum_kernel, {.blocks_x = 5, .threads_x = 96}, n, y, parts, ticket, dx);
  float got = 0;
  copy_to_host(&got, y, 4);
  CHECK(got == 777.0f);
}

}  // namespace
}  // namespace salu::cuda
