// SPDX-License-Identifier: MIT
#include "core/ops/swish.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {

OpEntry swish_entry() {
  OpEntry entry{"swish", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({})", n),
                             .inputs = {random_tensor({n}, 1, 2.0)},
                             .function = [](const auto& in) { return swish(in[0]); },
                             .oracle = elementwise_oracle([](double x) { return x / (1 + std::exp(-x)); })});
  }
  entry.samples.push_back({.label = "(2,3,5,1): tails",
                           .inputs = {random_tensor({2, 3, 5, 1}, 2, 30.0)},
                           .function = [](const auto& in) { return swish(in[0]); },
                           .oracle = elementwise_oracle([](double x) { return x / (1 + std::exp(-x)); })});
  entry.bad_calls.push_back({"gradient of another shape",
                             [] {
                               swish_backward(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}));
                             },
                             "[swish] expected shape (3,2), got (2,3)"});
  entry.bad_calls.push_back({"integers", [] { swish_forward(Tensor::zeros({2}, DType::i32)); },
                             "[swish] expected dtype f32 or f64, got i32"});
  return entry;
}

}  // namespace salu::test
