// SPDX-License-Identifier: MIT
#include "core/ops/patchify.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// Pixel by pixel: the token and the place in it of (row, column, channel).
Tensor oracle(const Tensor& x, std::int64_t p) {
  const std::int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  Tensor y = Tensor::empty({n, (h / p) * (w / p), p * p * c}, DType::f64);
  std::int64_t i = 0;
  for (std::int64_t b = 0; b < n; ++b) {
    for (std::int64_t row = 0; row < h; ++row) {
      for (std::int64_t column = 0; column < w; ++column) {
        for (std::int64_t k = 0; k < c; ++k) {
          const std::int64_t token = (row / p) * (w / p) + column / p;
          const std::int64_t place = ((row % p) * p + column % p) * c + k;
          y.data<double>()[(b * y.dim(1) + token) * y.dim(2) + place] = x.data<double>()[i++];
        }
      }
    }
  }
  return y;
}

OpSample sample(Shape shape, std::int64_t patch) {
  return {.label = fmt::format("{} patch {}", shape.str(), patch),
          .inputs = {random_tensor(shape, 1)},
          .function = [=](const auto& in) { return patchify(in[0], patch); },
          .oracle = [=](const auto& in) { return oracle(in[0], patch); }};
}

}  // namespace

OpEntry patchify_entry() {
  OpEntry entry{"patchify", {}, {}};
  entry.samples = {sample({2, 4, 6, 1}, 2), sample({1, 6, 3, 5}, 3), sample({1, 2, 3, 7}, 1),
                   sample({0, 4, 4, 3}, 2), sample({1, 5, 5, 3}, 5)};
  entry.bad_calls = {
      {"patch that does not divide",
       [] {
         patchify_forward(Tensor::zeros({1, 6, 8, 3}), 4);
       },
       "[patchify] expected x (N,H,W,C) with H and W divisible by the patch size 4, got (1,6,8,3)"},
      {"patch 0",
       [] {
         patchify_forward(Tensor::zeros({1, 6, 8, 3}), 0);
       },
       "divisible by the patch size 0"},
      {"rank",
       [] {
         patchify_forward(Tensor::zeros({6, 8, 3}), 2);
       },
       "[patchify] expected x (N,H,W,C)"},
      {"gradient",
       [] {
         patchify_backward(Tensor::zeros({1, 4, 12}), {1, 4, 6, 3}, 2);
       },
       "[patchify] expected dy of shape (1,6,12), got (1,4,12)"},
  };
  return entry;
}

}  // namespace salu::test
