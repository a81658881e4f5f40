// SPDX-License-Identifier: MIT
/// Every rung of the convolution against the plain f64 loops of the CPU, and the choice of libraries.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/gpu.h"
#include "core/ops/conv2d.h"
#include "core/ops/products.h"
#include "core/parallel.h"
#include "cuda/kernels/divisor.h"
#include "cuda/kernels/gemm.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

using cuda::GemmRung;

/// The rungs that differ: f32 does not use tensor cores.
std::vector<GemmRung> rungs_of(DType dtype) {
  std::vector<GemmRung> rungs = {GemmRung::naive, GemmRung::shared_tiles, GemmRung::register_tiles};
  if (dtype == DType::bf16) rungs.push_back(GemmRung::tensor_cores);
  return rungs;
}

/// Whole numbers from -3 to 3: sums of their products are exact in every dtype, so every rung must give the
/// same bits.
Tensor whole(Shape shape, std::uint32_t tag) {
  Tensor t = random_tensor(shape, tag);
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    t.data<double>()[i] = std::clamp(std::round(2 * t.data<double>()[i]), -3.0, 3.0);
  }
  return t;
}

struct Case {
  Shape x, w;
  Conv2dOptions options;
};

const Case kCases[] = {
    {{2, 9, 9, 3}, {5, 3, 3, 3}, {1, 1}},      // three channels: nothing is aligned
    {{2, 6, 5, 8}, {16, 3, 3, 8}, {1, 1}},     // 16-byte packs in every pass
    {{3, 7, 8, 8}, {8, 3, 3, 8}, {2, 1}},      // stride 2 on even and odd sides: four phases
    {{2, 8, 8, 16}, {24, 1, 1, 16}, {2, 0}},   // 1x1 with stride: three phases have no tap
    {{1, 12, 11, 3}, {8, 7, 7, 3}, {2, 3}},    // the ImageNet stem
    {{1, 9, 4, 8}, {8, 2, 3, 8}, {3, 2}},      // stride 3 on an uneven filter
    {{2, 3, 2, 8}, {8, 1, 1, 8}, {5, 0}},      // stride beyond the image
    {{1, 3, 5, 4}, {4, 3, 3, 4}, {1, 3}},      // padding wider than the filter needs
    {{1, 9, 8, 40}, {136, 1, 1, 40}, {1, 0}},  // tiles of 128
    {{5, 11, 10, 8}, {8, 2, 2, 8}, {1, 0}},    // split weight gradients
};

/// What the CPU computes in f64, as dtype.
struct Expected {
  Tensor y, dx, dw;
};
Expected expected(const Case& c, const Tensor& x, const Tensor& w, const Tensor& dy, const Tensor& dw) {
  Expected e{conv2d_forward(x, w, c.options), conv2d_backward_data(dy, w, c.x, c.options), dw.clone()};
  conv2d_backward_weight(e.dw, dy, x, c.options);
  return e;
}

TEST_CASE("every rung of the convolution is exact on whole numbers") {
  set_num_threads(1);
  const Device device = cuda_device();
  for (const Case& c : kCases) {
    const Shape shape = conv2d_output_shape(c.x, c.w, c.options);
    const Tensor x = whole(c.x, 1), w = whole(c.w, 2), dy = whole(shape, 3), dw = whole(c.w, 4);
    const Expected e = expected(c, x, w, dy, dw);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const auto there = [&](const Tensor& t) { return t.to(dtype).to(device); };
      for (const GemmRung rung : rungs_of(dtype)) {
        INFO("x " << c.x.str() << " w " << c.w.str() << " stride " << c.options.stride << " "
                  << dtype_name(dtype) << " rung " << static_cast<int>(rung) - 1);
        cuda::set_gemm_rung(rung);
        CHECK(compare_bits(conv2d_forward(there(x), there(w), c.options).to(Device{}), e.y.to(dtype)) == "");
        CHECK(compare_bits(conv2d_backward_data(there(dy), there(w), c.x, c.options).to(Device{}),
                           e.dx.to(dtype)) == "");
        Tensor sum = dw.to(DType::f32).to(device);
        conv2d_backward_weight(sum, there(dy), there(x), c.options);
        CHECK(compare_bits(sum.to(Device{}), e.dw.to(DType::f32)) == "");
      }
    }
  }
  cuda::set_gemm_rung(GemmRung::automatic);
}

TEST_CASE("weight gradients have the same bits under every schedule") {
  set_num_threads(1);
  const Device device = cuda_device();
  const Tensor x = random_tensor({4, 12, 12, 8}, 1), dy = random_tensor({4, 12, 12, 8}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Tensor first;
    for (const std::uint64_t schedule : {0u, 1u, 2u, 3u}) {
      set_schedule(schedule);
      Tensor dw = Tensor::zeros({8, 3, 3, 8}, DType::f32, device);
      conv2d_backward_weight(dw, dy.to(dtype).to(device), x.to(dtype).to(device), {1, 1});
      const Tensor here = dw.to(Device{});
      if (!first.defined()) first = here;
      CHECK(compare_bits(here, first) == "");
    }
  }
  set_schedule(0);
}

TEST_CASE("a divisor divides") {
  const std::int64_t most = 0x7fffffff;
  for (const std::int64_t d :
       {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{7}, std::int64_t{64},
        std::int64_t{641}, std::int64_t{65535}, std::int64_t{65537}, std::int64_t{1000003},
        (std::int64_t{1} << 30) - 1, std::int64_t{1} << 30, (std::int64_t{1} << 30) + 1, most}) {
    const cuda::Divisor divisor(d);
    for (const std::int64_t multiple : {std::int64_t{0}, d, 5 * d, most / d * d, most / d / 2 * d}) {
      for (const std::int64_t n : {multiple - 1, multiple, multiple + 1, most}) {
        if (n < 0 || n > most) continue;
        INFO(n << " / " << d);
        CHECK(divisor.quotient(static_cast<std::int32_t>(n)) == n / d);
        CHECK(divisor.remainder(static_cast<std::int32_t>(n)) == n % d);
      }
    }
  }
  CHECK(cuda::Divisor(0).quotient(5) == 5);
}

TEST_CASE("a library's kernel takes the place of our own, until our own are chosen again") {
  const Device device = cuda_device();
  const Tensor x = whole({2, 5}, 1).to(DType::f32).to(device), w = whole({3, 5}, 2).to(DType::f32).to(device);
  gpu::use_libraries(false);
  const Tensor own = linear_forward(x, w, {}).to(Device{});

  linear_kernels.forward.set(DeviceType::cuda,
                             [](Tensor& y, const Tensor&, const Tensor&, const Tensor&) { y.fill(42); });
  CHECK(linear_forward(x, w, {}).values<double>() == std::vector<double>(6, 42));
  const Tensor dx = linear_backward_input(own.to(device), w);  // keeps its kernel
  CHECK(dx.shape() == x.shape());
  CHECK(compare(dx, linear_backward_input(own.to(DType::f64), w.to(Device{}).to(DType::f64)), {}) == "");

  gpu::use_libraries(false);
  CHECK(compare_bits(linear_forward(x, w, {}).to(Device{}), own) == "");
}

}  // namespace
}  // namespace salu::test
