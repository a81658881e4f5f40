// SPDX-License-Identifier: MIT
#include "core/ops/max_pool2d.h"

#include <limits>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// Looks at the whole padded image, padding written out as minus infinity.
Tensor oracle(const Tensor& x, Pool2dOptions o) {
  const std::int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  const auto padded = [&](std::int64_t b, std::int64_t row, std::int64_t column, std::int64_t k) {
    row -= o.padding;
    column -= o.padding;
    const bool inside = row >= 0 && row < h && column >= 0 && column < w;
    return inside ? x.data<double>()[((b * h + row) * w + column) * c + k]
                  : -std::numeric_limits<double>::infinity();
  };
  std::vector<double> y;
  std::int64_t p = 0, q = 0;
  for (std::int64_t b = 0; b < n; ++b) {
    p = 0;
    for (std::int64_t row = 0; row + o.kernel <= h + 2 * o.padding; row += o.stride, ++p) {
      q = 0;
      for (std::int64_t column = 0; column + o.kernel <= w + 2 * o.padding; column += o.stride, ++q) {
        for (std::int64_t k = 0; k < c; ++k) {
          double largest = padded(b, row, column, k);
          for (std::int64_t i = 0; i < o.kernel * o.kernel; ++i) {
            largest = std::max(largest, padded(b, row + i / o.kernel, column + i % o.kernel, k));
          }
          y.push_back(largest);
        }
      }
    }
  }
  return Tensor::from<double>({n, p, q, c}, y);
}

/// Values in random order, a hundredth apart, so that a small step changes no maximum.
Tensor distinct(Shape shape) {
  Tensor t = Tensor::empty(shape, DType::f64);
  Rng rng({2024, Purpose::test, 1, 0});
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    const std::int64_t j = rng.below(static_cast<std::uint32_t>(i + 1));
    t.data<double>()[i] = t.data<double>()[j];
    t.data<double>()[j] = 0.01 * static_cast<double>(i - t.numel() / 2);
  }
  return t;
}

OpSample sample(Shape shape, Pool2dOptions o) {
  return {
      .label = fmt::format("{} kernel {} stride {} padding {}", shape.str(), o.kernel, o.stride, o.padding),
      .inputs = {distinct(shape)},
      .function = [=](const auto& in) { return max_pool2d(in[0], o); },
      .oracle = [=](const auto& in) { return oracle(in[0], o); }};
}

}  // namespace

OpEntry max_pool2d_entry() {
  OpEntry entry{"max_pool2d", {}, {}};
  entry.samples = {sample({2, 5, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
                   sample({1, 6, 4, 5}, {}),
                   sample({1, 7, 5, 1}, {.kernel = 3, .stride = 1, .padding = 0}),
                   sample({1, 5, 4, 2}, {.kernel = 2, .stride = 3, .padding = 1}),
                   sample({2, 1, 1, 9}, {.kernel = 3, .stride = 2, .padding = 1}),
                   sample({1, 3, 2, 2}, {.kernel = 1, .stride = 1, .padding = 0}),
                   {.label = "batch of none",
                    .inputs = {Tensor::empty({0, 4, 4, 3}, DType::f64)},
                    .function = [](const auto& in) { return max_pool2d(in[0], {}); },
                    .oracle =
                        [](const auto&) {
                          return Tensor::empty({0, 2, 2, 3}, DType::f64);
                        }}};
  entry.large = {sample({2, 9, 7, 16}, {.kernel = 3, .stride = 2, .padding = 1}),
                 sample({1, 6, 8, 24}, {.kernel = 3, .stride = 1, .padding = 1})};
  const auto bad = [](Shape x, Pool2dOptions o) { return [=] { max_pool2d_forward(Tensor::zeros(x), o); }; };
  entry.bad_calls = {
      {"window", bad({1, 3, 2, 4}, {.kernel = 3, .stride = 1, .padding = 0}),
       "[max_pool2d] expected a window no larger than the padded input, got kernel 3 padding 0 x (1,3,2,4)"},
      {"padding", bad({1, 5, 5, 4}, {.kernel = 3, .stride = 1, .padding = 2}),
       "[max_pool2d] expected kernel, stride >= 1 and 0 <= padding <= kernel/2, got kernel 3 stride 1 "
       "padding 2"},
      {"negative padding", bad({1, 5, 5, 4}, {.kernel = 3, .stride = 1, .padding = -1}),
       "got kernel 3 stride 1 padding -1"},
      {"stride", bad({1, 5, 5, 4}, {.kernel = 2, .stride = 0, .padding = 0}),
       "got kernel 2 stride 0 padding 0"},
      {"kernel", bad({1, 5, 5, 4}, {.kernel = 0, .stride = 1, .padding = 0}),
       "got kernel 0 stride 1 padding 0"},
      {"rank", bad({5, 5, 4}, {}), "[max_pool2d] expected x (N,H,W,C) with at least one pixel, got (5,5,4)"},
      {"no pixels", bad({1, 0, 5, 4}, {}), "[max_pool2d] expected x (N,H,W,C) with at least one pixel"},
      {"gradient",
       [] {
         max_pool2d_backward(Tensor::zeros({1, 2, 2, 3}), Tensor::zeros({1, 2, 3, 3}, DType::i32),
                             {1, 4, 6, 3}, {});
       },
       "[max_pool2d] expected dy of shape (1,2,3,3), got (1,2,2,3)"},
      {"pixels of other windows",
       [] {
         max_pool2d_backward(Tensor::zeros({1, 2, 3, 3}), Tensor::zeros({1, 2, 3, 3}, DType::i32),
                             {1, 4, 5, 3}, {});
       },
       "[max_pool2d] expected argmax of shape (1,2,2,3), got (1,2,3,3)"},
  };
  return entry;
}

}  // namespace salu::test
