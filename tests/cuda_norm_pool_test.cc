// SPDX-License-Identifier: MIT
/// Tests of norms, pools and images on CUDA that the op table cannot hold: running statistics, outliers, NaN,
/// ties.
#include <cmath>
#include <limits>

#include "core/ops/batch_inputs.h"
#include "core/ops/norms.h"
#include "core/ops/pooling.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr std::int64_t kRows = 613, kChannels = 72;  // two chunks of rows; two tiles of channels in bf16

/// Channel c has mean 16 (c % 5) and deviation 1/4; the first row lies 40 deviations off, and so does a row
/// in each further chunk: a variance taken relative to one of them must still be right.
Tensor awkward_columns() {
  Tensor x = random_tensor({kRows, kChannels}, 1, 0.25);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t row = i / kChannels;
    x.data<double>()[i] += static_cast<double>(16 * (i % 5)) + (row % 307 == 0 ? 10 : 0);
  }
  return x;
}

struct Statistics {
  Tensor running_mean, running_var;
  NormResult result;
};

/// Two batches of training, then one of evaluation.
Statistics follow(const Tensor& x) {
  const auto vector = [&](double value) {
    return Tensor::full({kChannels}, value, parameter_dtype(x.dtype()), x.device());
  };
  Statistics s{vector(3), vector(2), {}};
  const Tensor gamma = vector(1.5), beta = vector(-0.5);
  batch_norm_forward(x, gamma, beta, s.running_mean, s.running_var, {.momentum = 0.3});
  s.result = batch_norm_forward(x, gamma, beta, s.running_mean, s.running_var, {.momentum = 0.3});
  batch_norm_forward(x, gamma, beta, s.running_mean, s.running_var, {.training = false});
  return s;
}

TEST_CASE("batch norm: running and saved statistics, far from zero and with outliers") {
  const Device device = cuda_device();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    INFO(dtype_name(dtype));
    const Tensor x = awkward_columns().to(dtype);
    const Statistics exact = follow(x.to(DType::f64)), got = follow(x.to(device));
    // Statistics are f32 for bf16 too; the variance sums squares of a chunk relative to a value in it.
    const Tolerance close{1e-6, 1e-6};
    CHECK(got.running_mean.dtype() == DType::f32);
    CHECK(compare(got.running_mean, exact.running_mean, close) == "");
    CHECK(compare(got.running_var, exact.running_var, close) == "");
    CHECK(compare(got.result.saved.mean, exact.result.saved.mean, close) == "");
    CHECK(compare(got.result.saved.rstd, exact.result.saved.rstd, close) == "");
  }
}

TEST_CASE("max pooling: NaN wins and stays, of equal values the first") {
  const Device device = cuda_device();
  for (const std::int64_t channels : {5, 16}) {
    Tensor x = Tensor::empty({2, 7, 6, channels});
    Rng rng({2024, Purpose::test, 5, 0});
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const std::uint32_t draw = rng.below(8);
      x.data<float>()[i] = draw == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(draw / 3);
    }
    const Pool2dOptions options{.kernel = 3, .stride = 2, .padding = 1};
    for (const DType dtype : {DType::f32, DType::bf16}) {
      const MaxPool2dResult want = max_pool2d_forward(x, options),
                            got = max_pool2d_forward(x.to(dtype).to(device), options);
      CHECK(compare_bits(got.argmax.to(Device{}), want.argmax) == "");
      const auto y = got.y.to(Device{}).to(DType::f32).values<float>(), expected = want.y.values<float>();
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (std::isnan(expected[i]) ? !std::isnan(y[i]) : y[i] != expected[i]) FAIL("window " << i);
      }
    }
  }
}

TEST_CASE("images: every byte of every channel") {
  const Device device = cuda_device();
  const std::array<float, 3> mean{0.5f, 0.25f, 0}, std{0.5f, 0.125f, 1};
  Tensor pixels = Tensor::empty({1, 256, 3, 3}, DType::u8);
  Tensor want = Tensor::empty(pixels.shape(), DType::f64);
  for (std::int64_t i = 0; i < pixels.numel(); ++i) {
    const std::int64_t value = i / 9, c = i % 3;
    pixels.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(value);
    want.data<double>()[i] =
        (static_cast<double>(value) / 255 - static_cast<double>(mean[c])) / static_cast<double>(std[c]);
  }
  const Tensor on_device = pixels.to(device);
  CHECK(compare(normalize_images(on_device, mean, std), want, {1e-6, 1e-6}) == "");
  CHECK(compare(normalize_images(on_device, mean, std, DType::bf16), want, {0x1p-8, 1e-6}) == "");
}

}  // namespace
}  // namespace salu::test
