// SPDX-License-Identifier: MIT
#include "core/ops/mean.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  double sum = 0;
  for (const double v : in[0].values<double>()) sum += v;
  return Tensor::full({1}, sum / static_cast<double>(in[0].numel()), DType::f64);
}

}  // namespace

OpEntry mean_entry() {
  OpEntry entry{"mean", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    if (n == 0) continue;  // refused, see below
    entry.samples.push_back({.label = fmt::format("({},3)", n),
                             .inputs = {random_tensor({n, 3}, 1)},
                             .function = [](const auto& in) { return mean(in[0]); },
                             .oracle = oracle,
                             .has_sum = true});
  }
  entry.bad_calls.push_back({"nothing to average",
                             [] {
                               mean_forward(Tensor::zeros({0, 3}));
                             },
                             "[mean] expected at least one element, got (0,3)"});
  entry.bad_calls.push_back({"gradient that is no scalar", [] { mean_backward(Tensor::zeros({2}), {2}); },
                             "[mean] expected dy of shape (1), got (2)"});
  return entry;
}

}  // namespace salu::test
