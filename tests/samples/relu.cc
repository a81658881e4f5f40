// SPDX-License-Identifier: MIT
#include "core/ops/relu.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {

OpEntry relu_entry() {
  OpEntry entry{"relu", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({},3)", n),
                             .inputs = {random_tensor({n, 3}, 1, 1.0, 0.01)},
                             .function = [](const auto& in) { return relu(in[0]); },
                             .oracle = elementwise_oracle([](double x) { return x > 0 ? x : 0.0; })});
  }
  entry.bad_calls.push_back({"gradient of another shape",
                             [] {
                               relu_backward(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}));
                             },
                             "[relu] expected shape (3,2), got (2,3)"});
  return entry;
}

}  // namespace salu::test
