// SPDX-License-Identifier: MIT
#include "core/ops/avg_pool2d.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// Adds every pixel into the windows that hold it.
Tensor oracle(const Tensor& x, Pool2dOptions o) {
  const std::int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  const std::int64_t p = (h + 2 * o.padding - o.kernel) / o.stride + 1;
  const std::int64_t q = (w + 2 * o.padding - o.kernel) / o.stride + 1;
  Tensor y = Tensor::zeros({n, p, q, c}, DType::f64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t k = i % c, column = i / c % w + o.padding, row = i / (c * w) % h + o.padding;
    const std::int64_t b = i / (c * w * h);
    for (std::int64_t u = 0; u < p; ++u) {
      for (std::int64_t v = 0; v < q; ++v) {
        const bool inside = row >= u * o.stride && row < u * o.stride + o.kernel && column >= v * o.stride &&
                            column < v * o.stride + o.kernel;
        if (inside) {
          y.data<double>()[((b * p + u) * q + v) * c + k] +=
              x.data<double>()[i] / static_cast<double>(o.kernel * o.kernel);
        }
      }
    }
  }
  return y;
}

OpSample sample(Shape shape, Pool2dOptions o) {
  return {
      .label = fmt::format("{} kernel {} stride {} padding {}", shape.str(), o.kernel, o.stride, o.padding),
      .inputs = {random_tensor(shape, 1)},
      .function = [=](const auto& in) { return avg_pool2d(in[0], o); },
      .oracle = [=](const auto& in) { return oracle(in[0], o); },
      .has_sum = true};
}

}  // namespace

OpEntry avg_pool2d_entry() {
  OpEntry entry{"avg_pool2d", {}, {}};
  entry.samples = {sample({2, 5, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
                   sample({1, 6, 4, 5}, {}),
                   sample({1, 7, 5, 1}, {.kernel = 3, .stride = 1, .padding = 0}),
                   sample({1, 5, 4, 2}, {.kernel = 2, .stride = 3, .padding = 1}),
                   sample({1, 3, 2, 9}, {.kernel = 1, .stride = 2, .padding = 0}),
                   sample({0, 4, 4, 3}, {})};
  entry.large = {sample({2, 9, 7, 16}, {.kernel = 3, .stride = 2, .padding = 1}),
                 sample({1, 6, 8, 24}, {.kernel = 2, .stride = 3, .padding = 1})};
  const auto bad = [](Shape x, Pool2dOptions o) { return [=] { avg_pool2d_forward(Tensor::zeros(x), o); }; };
  entry.bad_calls = {
      {"window", bad({1, 2, 3, 4}, {.kernel = 5, .stride = 1, .padding = 1}),
       "[avg_pool2d] expected a window no larger than the padded input, got kernel 5 padding 1 x (1,2,3,4)"},
      {"padding", bad({1, 5, 5, 4}, {.kernel = 2, .stride = 2, .padding = 2}),
       "[avg_pool2d] expected kernel, stride >= 1 and 0 <= padding <= kernel/2, got kernel 2 stride 2 "
       "padding 2"},
      {"rank", bad({5, 5}, {}), "[avg_pool2d] expected x (N,H,W,C) with at least one pixel, got (5,5)"},
      {"gradient",
       [] {
         avg_pool2d_backward(Tensor::zeros({1, 2, 2, 3}), {1, 4, 6, 3}, {});
       },
       "[avg_pool2d] expected dy of shape (1,2,3,3), got (1,2,2,3)"},
  };
  return entry;
}

}  // namespace salu::test
