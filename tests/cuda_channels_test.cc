// SPDX-License-Identifier: MIT
/// Channels that are padded for the library's convolutions, and the gradients that come back.
#include "core/ops/conv2d.h"
#include "cuda/kernels/channels.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

const std::vector<Shape> kShapes = {{2, 5, 7, 3}, {1, 1, 1, 1}, {3, 33, 31, 3},
                                    {0, 4, 4, 3}, {2, 3, 5, 8}, {7, 5}};

TEST_CASE("padding keeps every channel and adds zeros") {
  const Device device = cuda_device();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Shape& shape : kShapes) {
      INFO(dtype_name(dtype) << " " << shape.str());
      const Tensor from = random_tensor(shape, 1).to(dtype);
      const Tensor padded = cuda::pad_channels(from.to(device));
      const std::int64_t channels = shape[-1];
      CHECK(padded.dim(-1) == 8);
      REQUIRE(padded.numel() == rows_of(from) * 8);
      const auto want = from.values<double>(), got = padded.values<double>();
      for (std::int64_t i = 0; i < padded.numel(); ++i) {
        const std::int64_t pixel = i / 8, c = i % 8;
        const double expected = c < channels ? want[static_cast<std::size_t>(pixel * channels + c)] : 0;
        REQUIRE(got[static_cast<std::size_t>(i)] == expected);
      }
    }
  }
}

TEST_CASE("gradients of the padded channels are dropped, the others are added") {
  const Device device = cuda_device();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Shape& shape : kShapes) {
      INFO(dtype_name(dtype) << " " << shape.str());
      const Tensor before = random_tensor(shape, 2).to(DType::f32);
      const Tensor part = random_tensor(cuda::padded_channels(shape), 3).to(dtype);
      Tensor sum = before.to(device);
      cuda::accumulate_channels(sum, part.to(device));
      const auto start = before.values<float>(), added = part.values<float>(), got = sum.values<float>();
      const auto channels = static_cast<std::size_t>(shape[-1]);
      for (std::size_t i = 0; i < got.size(); ++i) {
        REQUIRE(got[i] == start[i] + added[i / channels * 8 + i % channels]);
      }
    }
  }
}

TEST_CASE("a convolution of padded tensors is the convolution") {
  const Device device = cuda_device();
  const Tensor x = random_tensor({2, 6, 5, 3}, 4).to(DType::f32),
               w = random_tensor({4, 3, 3, 3}, 5).to(DType::f32);
  const auto padded = [&](const Tensor& t) { return cuda::pad_channels(t.to(device)).to(Device{}); };
  const Tensor want = conv2d_forward(x, w, {1, 1});
  CHECK(compare(conv2d_forward(padded(x), padded(w), {1, 1}), want, {1e-6, 1e-6}) == "");
  const Tensor dy = random_tensor(want.shape(), 6).to(DType::f32);
  Tensor dw = Tensor::zeros(w.shape()), wide = Tensor::zeros({4, 3, 3, 8});
  conv2d_backward_weight(dw, dy, x, {1, 1});
  conv2d_backward_weight(wide, dy, padded(x), {1, 1});
  Tensor narrow = Tensor::zeros(w.shape(), DType::f32, device);
  cuda::accumulate_channels(narrow, wide.to(device));
  CHECK(compare(narrow.to(Device{}), dw, {1e-5, 1e-5}) == "");
}

TEST_CASE("tensors that cannot be padded are refused") {
  const Device device = cuda_device();
  const Tensor nine = Tensor::zeros({2, 9}, DType::f32, device);
  CHECK(contains(error_of([&] { cuda::pad_channels(nine); }), "[pad_channels] expected at most 8 channels"));
  Tensor sum = Tensor::zeros({2, 3}, DType::f32, device);
  CHECK(contains(error_of([&] {
                   cuda::accumulate_channels(sum, Tensor::zeros({2, 3}, DType::f32, device));
                 }),
                 "[accumulate_channels] expected part"));
}

}  // namespace
}  // namespace salu::test
