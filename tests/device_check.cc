// SPDX-License-Identifier: MIT
#include "tests/device_check.h"

#include <algorithm>
#include <cmath>

#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

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

/// Twice the error on the CPU, and 8 roundings of the largest result where that one happens to be exact.
Tolerance f32_tolerance(const Tensor& on_cpu, const Tensor& exact) {
  return {0, 2 * largest_difference(on_cpu, exact) + 1e-6 * scale_of(exact)};
}

/// PyTorch's relative tolerance for bf16; sums of rounded terms err by 2^-8 of the largest result.
Tolerance bf16_tolerance(const Tensor& exact) { return {1.6e-2, 0x1p-8 * scale_of(exact)}; }

}  // namespace

void check_f32(const OpSample& sample, Device device, std::int64_t start) {
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
}

void check_bf16(const OpSample& sample, Device device, std::int64_t start) {
  const OpSample given = rounded(sample, DType::bf16);
  const OpRun exact = run_op(given, DType::f64), got = run_op(given, DType::bf16, device, start);
  CHECK(compare(got.y, exact.y, bf16_tolerance(exact.y)) == "");
  REQUIRE(got.gradients.size() == exact.gradients.size());
  for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
    if (!exact.gradients[i].defined()) continue;
    INFO("gradient " << i);
    CHECK(compare(got.gradients[i], exact.gradients[i], bf16_tolerance(exact.gradients[i])) == "");
  }
}

}  // namespace salu::test
