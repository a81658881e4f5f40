// SPDX-License-Identifier: MIT
#include "core/ops/sum.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  double sum = 0;
  for (const double v : in[0].values<double>()) sum += v;
  return Tensor::full({1}, sum, DType::f64);
}

}  // namespace

OpEntry sum_entry() {
  OpEntry entry{"sum", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({},3)", n),
                             .inputs = {random_tensor({n, 3}, 1)},
                             .function = [](const auto& in) { return sum(in[0]); },
                             .oracle = oracle,
                             .has_sum = true});
  }
  entry.samples.push_back({.label = "rank 0",
                           .inputs = {random_tensor({}, 2)},
                           .function = [](const auto& in) { return sum(in[0]); },
                           .oracle = oracle});
  entry.bad_calls.push_back({"gradient that is no scalar", [] { sum_backward(Tensor::zeros({2}), {2}); },
                             "[sum] expected dy of shape (1), got (2)"});
  entry.bad_calls.push_back({"integers", [] { sum_forward(Tensor::zeros({2}, DType::i64)); },
                             "[sum] expected dtype f32 or f64, got i64"});
  return entry;
}

}  // namespace salu::test
