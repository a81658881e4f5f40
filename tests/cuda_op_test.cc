// SPDX-License-Identifier: MIT
/// The op sample table on the CUDA backend: on a GPU, and under the host shim in its three builds.
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/device_check.h"

namespace salu::test {
namespace {

/// Calls `body(sample, start)` for every sample; `start` is where its tensors begin in their storage, because
/// kernels read packs of 16 bytes from aligned tensors and single numbers from others: small samples take
/// turns, large ones do both. Each op is a section, so that `-c salu` runs one op.
template <class Body>
void each_sample(Body&& body) {
  for (const OpEntry& entry : op_table()) {
    DYNAMIC_SECTION(entry.op) {
      std::int64_t turn = 0;
      for (const OpSample& sample : entry.samples) {
        const std::int64_t start = ++turn % 2;
        INFO(sample.label << " start " << start);
        body(sample, start);
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

TEST_CASE("f32 results err no more than twice the CPU's, against f64") {
  const Device device = cuda_device();
  each_sample([&](const OpSample& sample, std::int64_t start) { check_f32(sample, device, start); });
}

TEST_CASE("bf16 results agree with f64 on the same rounded inputs; parameter gradients are f32") {
  const Device device = cuda_device();
  each_sample([&](const OpSample& sample, std::int64_t start) { check_bf16(sample, device, start); });
}

// [large]: left out under ThreadSanitizer, which looks at the same kernels in the cases above.
TEST_CASE("results are the same bits on every run and under every schedule", "[large]") {
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
