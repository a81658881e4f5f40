// SPDX-License-Identifier: MIT
#include "core/ops/mul.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  const double *a = in[0].data<double>(), *b = in[1].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = a[i] * b[i];
  return y;
}

}  // namespace

OpEntry mul_entry() {
  OpEntry entry{"mul", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({})", n),
                             .inputs = {random_tensor({n}, 1), random_tensor({n}, 2)},
                             .function = [](const auto& in) { return mul(in[0], in[1]); },
                             .oracle = oracle});
  }
  entry.samples.push_back({.label = "(3,5), b takes no gradient",
                           .inputs = {random_tensor({3, 5}, 3), random_tensor({3, 5}, 4)},
                           .function = [](const auto& in) { return mul(in[0], in[1]); },
                           .oracle = oracle,
                           .constant = {1}});
  entry.samples.push_back({.label = "x x: two paths to one input",
                           .inputs = {random_tensor({7}, 5)},
                           .function = [](const auto& in) { return mul(in[0], in[0]); },
                           .oracle = elementwise_oracle([](double x) { return x * x; })});
  entry.bad_calls.push_back({"other shape", [] { mul_forward(Tensor::zeros({2}), Tensor::zeros({1})); },
                             "[mul] expected shape (2), got (1)"});
  return entry;
}

}  // namespace salu::test
