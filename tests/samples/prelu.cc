// SPDX-License-Identifier: MIT
#include "core/ops/prelu.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), slope = in[1].item();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = x[i] > 0 ? x[i] : slope * x[i];
  return y;
}

}  // namespace

OpEntry prelu_entry() {
  OpEntry entry{"prelu", {}, {}, {1}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back(
        {.label = fmt::format("({})", n),
         .inputs = {random_tensor({n}, 1, 1.0, 0.01), Tensor::full({1}, 0.25, DType::f64)},
         .function = [](const auto& in) { return prelu(in[0], in[1]); },
         .oracle = oracle});
  }
  entry.samples.push_back(
      {.label = "(2,3,5,1), negative slope",
       .inputs = {random_tensor({2, 3, 5, 1}, 2, 1.0, 0.01), Tensor::full({1}, -0.7, DType::f64)},
       .function = [](const auto& in) { return prelu(in[0], in[1]); },
       .oracle = oracle});
  entry.samples.push_back({.label = "(7), the slope takes no gradient",
                           .inputs = {random_tensor({7}, 3, 1.0, 0.01), Tensor::full({1}, 0.1, DType::f64)},
                           .function = [](const auto& in) { return prelu(in[0], in[1]); },
                           .oracle = oracle,
                           .constant = {1}});
  entry.bad_calls.push_back({"a slope per channel",
                             [] {
                               prelu_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}));
                             },
                             "[prelu] expected slope of shape (1), got (3)"});
  entry.bad_calls.push_back({"gradient of another dtype",
                             [] {
                               prelu_backward(Tensor::zeros({2}, DType::f64), Tensor::zeros({2}),
                                              Tensor::zeros({1}), nullptr);
                             },
                             "[prelu] expected dtype f32, got f64"});
  return entry;
}

}  // namespace salu::test
