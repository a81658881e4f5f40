// SPDX-License-Identifier: MIT
/// Tensors on the device: copies, fills, conversions, sums, and their allocator.
#include <cmath>

#include "core/gpu.h"
#include "cuda/kernels/accumulate.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

TEST_CASE("fills and copies give what was put in, for every type and awkward size") {
  const Device device = cuda_device();
  for (const std::int64_t n : kAwkwardSizes) {
    for (const DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8}) {
      INFO(dtype_name(dtype) << " " << n);
      Tensor t = Tensor::full({n}, 3, dtype, device);
      CHECK(t.device() == device);
      CHECK(compare_bits(t.to(Device{}), Tensor::full({n}, 3, dtype)) == "");
      CHECK(compare_bits(t.clone().to(Device{}), Tensor::full({n}, 3, dtype)) == "");
      t.fill(0);
      CHECK(compare_bits(t.to(Device{}), Tensor::zeros({n}, dtype)) == "");
    }
  }
}

TEST_CASE("conversions on the device round as those on the CPU") {
  const Device device = cuda_device();
  Tensor source = random_tensor({1000}, 1, 1e3).to(DType::f32);
  const float special[] = {0.0f,          -0.0f,     1.00390625f, 1.01171875f,
                           3.3895314e38f, HUGE_VALF, -HUGE_VALF,  1e-40f};
  std::copy(std::begin(special), std::end(special), source.data<float>());  // ties, overflow, subnormal
  for (const DType dtype : {DType::bf16, DType::f64}) {
    CHECK(compare_bits(source.to(device).to(dtype).to(Device{}), source.to(dtype)) == "");
  }
  const Tensor halves = source.to(DType::bf16);
  CHECK(compare_bits(halves.to(device).to(DType::f32).to(Device{}), halves.to(DType::f32)) == "");
  Tensor nan = Tensor::full({3}, NAN, DType::f32, device);
  CHECK(std::isnan(nan.to(DType::bf16).values<double>()[2]));
}

TEST_CASE("accumulate adds f32 and bf16 to f32") {
  const Device device = cuda_device();
  for (const std::int64_t n : kAwkwardSizes) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      Tensor sum = Tensor::full({n}, 2.5, DType::f32, device);
      const Tensor part = random_tensor({n}, 5).to(dtype);
      cuda::accumulate(sum, part.to(device));
      Tensor want = part.to(DType::f64);
      for (std::int64_t i = 0; i < n; ++i) want.data<double>()[i] += 2.5;
      CHECK(compare(sum, want, elementwise_tolerance(DType::f32)) == "");
    }
  }
}

TEST_CASE("the device's allocator hands freed blocks out again") {
  const Device device = cuda_device();
  { const Tensor first = Tensor::empty({100000}, DType::f32, device); }
  const MemoryStats before = memory_of(device);
  { const Tensor second = Tensor::empty({99999}, DType::f32, device); }
  const MemoryStats after = memory_of(device);
  CHECK(after.system_calls == before.system_calls);
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.peak_bytes >= before.live_bytes + 400000);
}

TEST_CASE("tensors of two devices do not mix") {
  const Device device = cuda_device();
  const Tensor a = Tensor::zeros({2}), b = Tensor::zeros({2}, DType::f32, device);
  CHECK(contains(error_of([&] { check_like("test", a, b); }), "expected a tensor on cpu, got cuda:0"));
}

}  // namespace
}  // namespace salu::test
