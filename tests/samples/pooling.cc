// SPDX-License-Identifier: MIT
#include "core/ops/pooling.h"

#include <limits>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// Looks at the whole padded image, padding written out as minus infinity.
Tensor max_pool2d_oracle(const Tensor& x, Pool2dOptions o) {
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

OpSample max_pool2d_sample(Shape shape, Pool2dOptions o) {
  return {
      .label = fmt::format("{} kernel {} stride {} padding {}", shape.str(), o.kernel, o.stride, o.padding),
      .inputs = {distinct(shape)},
      .function = [=](const auto& in) { return max_pool2d(in[0], o); },
      .oracle = [=](const auto& in) { return max_pool2d_oracle(in[0], o); }};
}

OpEntry max_pool2d_entry() {
  OpEntry entry{"max_pool2d", {}, {}};
  entry.samples = {max_pool2d_sample({2, 5, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
                   max_pool2d_sample({1, 6, 4, 5}, {}),
                   max_pool2d_sample({1, 7, 5, 1}, {.kernel = 3, .stride = 1, .padding = 0}),
                   max_pool2d_sample({1, 5, 4, 2}, {.kernel = 2, .stride = 3, .padding = 1}),
                   max_pool2d_sample({2, 1, 1, 9}, {.kernel = 3, .stride = 2, .padding = 1}),
                   max_pool2d_sample({1, 3, 2, 2}, {.kernel = 1, .stride = 1, .padding = 0}),
                   {.label = "batch of none",
                    .inputs = {Tensor::empty({0, 4, 4, 3}, DType::f64)},
                    .function = [](const auto& in) { return max_pool2d(in[0], {}); },
                    .oracle =
                        [](const auto&) {
                          return Tensor::empty({0, 2, 2, 3}, DType::f64);
                        }}};
  entry.large = {max_pool2d_sample({2, 9, 7, 16}, {.kernel = 3, .stride = 2, .padding = 1}),
                 max_pool2d_sample({1, 6, 8, 24}, {.kernel = 3, .stride = 1, .padding = 1})};
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

/// Adds every pixel into the windows that hold it.
Tensor avg_pool2d_oracle(const Tensor& x, Pool2dOptions o) {
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

OpSample avg_pool2d_sample(Shape shape, Pool2dOptions o) {
  return {
      .label = fmt::format("{} kernel {} stride {} padding {}", shape.str(), o.kernel, o.stride, o.padding),
      .inputs = {random_tensor(shape, 1)},
      .function = [=](const auto& in) { return avg_pool2d(in[0], o); },
      .oracle = [=](const auto& in) { return avg_pool2d_oracle(in[0], o); },
      .has_sum = true};
}

OpEntry avg_pool2d_entry() {
  OpEntry entry{"avg_pool2d", {}, {}};
  entry.samples = {avg_pool2d_sample({2, 5, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
                   avg_pool2d_sample({1, 6, 4, 5}, {}),
                   avg_pool2d_sample({1, 7, 5, 1}, {.kernel = 3, .stride = 1, .padding = 0}),
                   avg_pool2d_sample({1, 5, 4, 2}, {.kernel = 2, .stride = 3, .padding = 1}),
                   avg_pool2d_sample({1, 3, 2, 9}, {.kernel = 1, .stride = 2, .padding = 0}),
                   avg_pool2d_sample({0, 4, 4, 3}, {})};
  entry.large = {avg_pool2d_sample({2, 9, 7, 16}, {.kernel = 3, .stride = 2, .padding = 1}),
                 avg_pool2d_sample({1, 6, 8, 24}, {.kernel = 2, .stride = 3, .padding = 1})};
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

Tensor global_avg_pool_oracle(const std::vector<Tensor>& in) {
  const std::int64_t n = in[0].dim(0), h = in[0].dim(1), w = in[0].dim(2), c = in[0].dim(3);
  Tensor y = Tensor::zeros({n, c}, DType::f64);
  for (std::int64_t i = 0; i < in[0].numel(); ++i) {
    y.data<double>()[i / (h * w * c) * c + i % c] += in[0].data<double>()[i] / static_cast<double>(h * w);
  }
  return y;
}

OpEntry global_avg_pool_entry() {
  OpEntry entry{"global_avg_pool", {}, {}};
  const auto global_avg_pool_sample = [](const Shape& shape) {
    return OpSample{.label = shape.str(),
                    .inputs = {random_tensor(shape, 1)},
                    .function = [](const auto& in) { return global_avg_pool(in[0]); },
                    .oracle = global_avg_pool_oracle,
                    .has_sum = true};
  };
  entry.samples = {global_avg_pool_sample({2, 3, 5, 7}), global_avg_pool_sample({1, 1, 1, 3}),
                   global_avg_pool_sample({3, 7, 6, 1}), global_avg_pool_sample({0, 2, 2, 3})};
  entry.large = {global_avg_pool_sample({2, 9, 8, 72})};
  entry.bad_calls = {
      {"rank",
       [] {
         global_avg_pool_forward(Tensor::zeros({2, 3}));
       },
       "[global_avg_pool] expected x (N,H,W,C) with at least one pixel, got (2,3)"},
      {"no pixels",
       [] {
         global_avg_pool_forward(Tensor::zeros({2, 0, 3, 4}));
       },
       "[global_avg_pool] expected x (N,H,W,C) with at least one pixel, got (2,0,3,4)"},
      {"gradient",
       [] {
         global_avg_pool_backward(Tensor::zeros({2, 3}), {2, 5, 5, 4});
       },
       "[global_avg_pool] expected dy of shape (2,4), got (2,3)"},
  };
  return entry;
}

}  // namespace

std::vector<OpEntry> pooling_entries() {
  return {max_pool2d_entry(), avg_pool2d_entry(), global_avg_pool_entry()};
}

}  // namespace salu::test
