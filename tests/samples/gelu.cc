// SPDX-License-Identifier: MIT
#include "core/ops/gelu.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// By erfc, where the op takes erf.
double exact(double x) { return x * 0.5 * std::erfc(-x * 0.70710678118654752); }

/// tanh u = 2 sigmoid(2u) - 1, hence x sigmoid(2u).
double approximate(double x) { return x / (1 + std::exp(-1.5957691216057308 * (x + 0.044715 * x * x * x))); }

}  // namespace

OpEntry gelu_entry() {
  OpEntry entry{"gelu", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("erf ({})", n),
                             .inputs = {random_tensor({n}, 1, 1.5)},
                             .function = [](const auto& in) { return gelu(in[0], GeluKind::erf); },
                             .oracle = elementwise_oracle(exact)});
    entry.samples.push_back({.label = fmt::format("tanh ({})", n),
                             .inputs = {random_tensor({n}, 2, 1.5)},
                             .function = [](const auto& in) { return gelu(in[0], GeluKind::tanh); },
                             .oracle = elementwise_oracle(approximate)});
  }
  entry.samples.push_back({.label = "tanh (2,3,5,1): tails",
                           .inputs = {random_tensor({2, 3, 5, 1}, 3, 30.0)},
                           .function = [](const auto& in) { return gelu(in[0], GeluKind::tanh); },
                           .oracle = elementwise_oracle(approximate)});
  entry.bad_calls.push_back({"gradient of another shape",
                             [] {
                               gelu_backward(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}), GeluKind::erf);
                             },
                             "[gelu] expected shape (3,2), got (2,3)"});
  return entry;
}

}  // namespace salu::test
