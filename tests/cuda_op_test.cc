// SPDX-License-Identifier: MIT
/// The op sample table on the CUDA backend: on a GPU, and under the host shim in its three builds.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_run.h"

namespace salu::test {
namespace {

/// Calls `body(sample, start)` for every sample; `start` is where its tensors begin in their storage, because
/// kernels read packs of 16 bytes from aligned tensors and single numbers from others. Each op is a section,
/// so that `-c salu` runs one op.
template <class Body>
void each_sample(Body&& body) {
  set_num_threads(1);  // ThreadSanitizer does not know OpenMP's barriers
  for (const OpEntry& entry : op_table()) {
    DYNAMIC_SECTION(entry.op) {
      for (const OpSample& sample : entry.samples) {
        INFO(sample.label);
        body(sample, 1);
      }
      for (const OpSample& sample : entry.large) {
        for (const std::int64_t start : {0, 1}) {
          INFO(sample.label << " start " << start);
          body(sample, start);
        }
      }
    }
  }
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.values<double>(), y = b.values<double>();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

double scale_of(const Tensor& t) {
  double scale = 1;
  for (const double v : t.values<double>()) scale = std::max(scale, std::abs(v));
  return scale;
}

/// A result with sums may err twice as much as plain f32 does on the CPU, and by 8 roundings of the largest
/// result where that one happens to be exact.
Tolerance f32_tolerance(const Tensor& on_cpu, const Tensor& exact) {
  return {0, 2 * largest_difference(on_cpu, exact) + 1e-6 * scale_of(exact)};
}

/// PyTorch's relative tolerance for bf16; sums of rounded terms err by 2^-8 of the largest result.
Tolerance bf16_tolerance(const Tensor& exact) { return {1.6e-2, 0x1p-8 * scale_of(exact)}; }

TEST_CASE("f32 results err no more than twice the CPU's, against f64") {
  const Device device = cuda_device();
  each_sample([&](const OpSample& sample, std::int64_t start) {
    const OpSample given = rounded(sample, DType::f32);
    const OpRun exact = run_op(given, DType::f64), on_cpu = run_op(given, DType::f32);
    const OpRun got = run_op(given, DType::f32, device, start);
    CHECK(got.y.device() == device);
    CHECK(got.y.dtype() == DType::f32);
    CHECK(compare(got.y, exact.y, f32_tolerance(on_cpu.y, exact.y)) == "");
    REQUIRE(got.gradients.size() == exact.gradients.size());
    for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
      if (!exact.gradients[i].defined()) continue;
      INFO("gradient " << i);
      CHECK(compare(got.gradients[i], exact.gradients[i],
                    f32_tolerance(on_cpu.gradients[i], exact.gradients[i])) == "");
    }
  });
}

TEST_CASE("bf16 results agree with f64 on the same rounded inputs; parameter gradients are f32") {
  const Device device = cuda_device();
  each_sample([&](const OpSample& sample, std::int64_t start) {
    const OpSample given = rounded(sample, DType::bf16);
    const OpRun exact = run_op(given, DType::f64), got = run_op(given, DType::bf16, device, start);
    CHECK(compare(got.y, exact.y, bf16_tolerance(exact.y)) == "");
    REQUIRE(got.gradients.size() == exact.gradients.size());
    for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
      if (!exact.gradients[i].defined()) continue;
      INFO("gradient " << i);
      CHECK(compare(got.gradients[i], exact.gradients[i], bf16_tolerance(exact.gradients[i])) == "");
    }
  });
}

TEST_CASE("results are the same bits on every run and under every schedule") {
  const Device device = cuda_device();
  each_sample([&](const OpSample& sample, std::int64_t start) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      set_schedule(0);
      const OpRun first = run_op(sample, dtype, device, start);
      for (const std::uint64_t schedule : {1u, 2u, 3u}) {
        INFO(dtype_name(dtype) << ", schedule " << schedule);
        set_schedule(schedule);
        const OpRun again = run_op(sample, dtype, device, start);
        CHECK(compare_bits(again.y.to(Device{}), first.y.to(Device{})) == "");
        for (std::size_t i = 0; i < first.gradients.size(); ++i) {
          if (!first.gradients[i].defined()) continue;
          CHECK(compare_bits(again.gradients[i].to(Device{}), first.gradients[i].to(Device{})) == "");
        }
      }
    }
  });
  set_schedule(0);
}

}  // namespace
}  // namespace salu::test
