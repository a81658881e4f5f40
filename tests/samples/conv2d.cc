// SPDX-License-Identifier: MIT
#include "core/ops/conv2d.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// By the definition on an explicitly padded copy of the input, which the op never makes.
Tensor conv_oracle(const Tensor& x, const Tensor& w, std::int64_t stride, std::int64_t padding) {
  const std::int64_t n = x.dim(0), h = x.dim(1) + 2 * padding, wd = x.dim(2) + 2 * padding, c = x.dim(3);
  std::vector<double> padded(static_cast<std::size_t>(n * h * wd * c), 0.0);
  const double *px = x.data<double>(), *pw = w.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t y = 0; y < x.dim(1); ++y)
      for (std::int64_t z = 0; z < x.dim(2); ++z)
        for (std::int64_t k = 0; k < c; ++k)
          padded[static_cast<std::size_t>(((i * h + y + padding) * wd + z + padding) * c + k)] = *px++;
  const std::int64_t rows = (h - w.dim(1)) / stride + 1, columns = (wd - w.dim(2)) / stride + 1;
  Tensor out = Tensor::zeros({n, rows, columns, w.dim(0)}, DType::f64);
  double* po = out.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t y = 0; y < rows; ++y)
      for (std::int64_t z = 0; z < columns; ++z)
        for (std::int64_t k = 0; k < w.dim(0); ++k, ++po)
          for (std::int64_t r = 0; r < w.dim(1); ++r)
            for (std::int64_t s = 0; s < w.dim(2); ++s)
              for (std::int64_t q = 0; q < c; ++q)
                *po += padded[static_cast<std::size_t>(((i * h + y * stride + r) * wd + z * stride + s) * c +
                                                       q)] *
                       pw[((k * w.dim(1) + r) * w.dim(2) + s) * c + q];
  return out;
}

void add_bad_gradients(OpEntry& entry) {
  entry.bad_calls.push_back(
      {"dtype of w",
       [] {
         conv2d_forward(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 3}, DType::f64), {1, 1});
       },
       "[conv2d] expected w f32 on cpu, got f64 on cpu"});
  entry.bad_calls.push_back(
      {"gradient of another shape",
       [] {
         conv2d_backward_data(Tensor::zeros({1, 4, 4, 2}), Tensor::zeros({2, 3, 3, 3}), {1, 4, 4, 3}, {2, 1});
       },
       "[conv2d] expected dy of shape (1,2,2,2), got (1,4,4,2)"});
  entry.bad_calls.push_back({"dtype of the gradient of w",
                             [] {
                               Tensor dw = Tensor::zeros({2, 1, 1, 3}, DType::bf16);
                               conv2d_backward_weight(dw, Tensor::zeros({1, 4, 4, 2}, DType::bf16),
                                                      Tensor::zeros({1, 4, 4, 3}, DType::bf16), {1, 0});
                             },
                             "[conv2d] expected dw f32, got bf16"});
}

}  // namespace

std::vector<OpEntry> conv2d_entries() {
  OpEntry entry{"conv2d", {}, {}};
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  const Case cases[] = {
      {{2, 5, 4, 3}, {2, 3, 3, 3}, {1, 1}},   // the usual 3x3
      {{1, 7, 6, 2}, {3, 3, 3, 2}, {2, 1}},   // stride 2 on even and odd sides: the padding is uneven
      {{3, 5, 5, 3}, {5, 1, 1, 3}, {1, 0}},   // 1x1
      {{2, 6, 7, 2}, {3, 1, 1, 2}, {2, 0}},   // the downsampling shortcut
      {{1, 9, 8, 1}, {2, 7, 7, 1}, {2, 3}},   // the ImageNet stem
      {{2, 4, 6, 2}, {1, 2, 3, 2}, {3, 2}},   // uneven filter, stride beyond it
      {{1, 3, 3, 7}, {1, 3, 3, 7}, {1, 0}},   // one output position
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},   // one element
      {{1, 3, 5, 1}, {2, 3, 3, 1}, {1, 3}},   // padding wider than the filter needs
      {{0, 5, 5, 3}, {2, 3, 3, 3}, {1, 1}},   // empty batch
      {{37, 2, 2, 3}, {3, 3, 3, 3}, {1, 1}},  // several slices, the last one partial, with small images
      {{19, 3, 3, 2}, {2, 2, 2, 2}, {1, 0}},
  };
  for (const Case& k : cases) {
    entry.samples.push_back(
        {.label = fmt::format("x {} w {} stride {} padding {}", k.x.str(), k.w.str(), k.options.stride,
                              k.options.padding),
         .inputs = {random_tensor(k.x, 1), random_tensor(k.w, 2)},
         .function = [o = k.options](const auto& in) { return conv2d(in[0], in[1], o); },
         .oracle = [o = k.options](const auto& in) { return conv_oracle(in[0], in[1], o.stride, o.padding); },
         .has_sum = true});
  }
  const auto bad = [&](const char* label, Shape x, Shape w, Conv2dOptions o, const char* message) {
    entry.bad_calls.push_back(
        {label, [=] { conv2d_forward(Tensor::zeros(x), Tensor::zeros(w), o); }, message});
  };
  bad("channels differ", {8, 32, 32, 4}, {16, 3, 3, 3}, {1, 1},
      "[conv2d] expected input channels 3 as in w (16,3,3,3), got 4 in x (8,32,32,4)");
  bad("rank", {8, 32, 4}, {16, 3, 3, 4}, {1, 1},
      "[conv2d] expected x (N,H,W,C) and w (K,R,S,C), got x (8,32,4)");
  bad("no input channel", {1, 4, 4, 0}, {2, 3, 3, 0}, {1, 1},
      "[conv2d] expected at least one input and one output channel, got w (2,3,3,0)");
  bad("no output channel", {1, 4, 4, 3}, {0, 3, 3, 3}, {1, 1},
      "[conv2d] expected at least one input and one output channel, got w (0,3,3,3)");
  bad("filter too large", {1, 2, 2, 3}, {1, 5, 5, 3}, {1, 1}, "[conv2d] expected a filter that fits");
  bad("stride 0", {1, 4, 4, 3}, {1, 3, 3, 3}, {0, 1}, "[conv2d] expected stride >= 1");
  bad("too many pixels", {0, 1 << 30, 1, 1}, {1, 1, 1, 1}, {1, 0},
      "[conv2d] expected fewer than 2^31 pixels and taps and padded sides below 2^30");
  add_bad_gradients(entry);
  return {entry};
}

}  // namespace salu::test
