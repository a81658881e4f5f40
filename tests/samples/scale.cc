// SPDX-License-Identifier: MIT
#include "core/ops/scale.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {

OpEntry scale_entry() {
  OpEntry entry{"scale", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({})", n),
                             .inputs = {random_tensor({n}, 1)},
                             .function = [](const auto& in) { return scale(in[0], -1.7); },
                             .oracle = elementwise_oracle([](double x) { return -1.7 * x; })});
  }
  entry.samples.push_back({.label = "(2,3,5), factor 0",
                           .inputs = {random_tensor({2, 3, 5}, 2)},
                           .function = [](const auto& in) { return scale(in[0], 0); },
                           .oracle = elementwise_oracle([](double) { return 0.0; })});
  entry.bad_calls.push_back({"integers", [] { scale_forward(Tensor::zeros({2}, DType::i64), 2); },
                             "[scale] expected dtype f32 or f64, got i64"});
  return entry;
}

}  // namespace salu::test
