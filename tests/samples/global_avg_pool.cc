// SPDX-License-Identifier: MIT
#include "core/ops/global_avg_pool.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  const std::int64_t n = in[0].dim(0), h = in[0].dim(1), w = in[0].dim(2), c = in[0].dim(3);
  Tensor y = Tensor::zeros({n, c}, DType::f64);
  for (std::int64_t i = 0; i < in[0].numel(); ++i) {
    y.data<double>()[i / (h * w * c) * c + i % c] += in[0].data<double>()[i] / static_cast<double>(h * w);
  }
  return y;
}

}  // namespace

OpEntry global_avg_pool_entry() {
  OpEntry entry{"global_avg_pool", {}, {}};
  const auto sample = [](const Shape& shape) {
    return OpSample{.label = shape.str(),
                    .inputs = {random_tensor(shape, 1)},
                    .function = [](const auto& in) { return global_avg_pool(in[0]); },
                    .oracle = oracle,
                    .has_sum = true};
  };
  entry.samples = {sample({2, 3, 5, 7}), sample({1, 1, 1, 3}), sample({3, 7, 6, 1}), sample({0, 2, 2, 3})};
  entry.large = {sample({2, 9, 8, 72})};
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

}  // namespace salu::test
