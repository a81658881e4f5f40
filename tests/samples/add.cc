// SPDX-License-Identifier: MIT
#include "core/ops/add.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {

OpEntry add_entry() {
  OpEntry entry{"add", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({},5)", n),
                             .inputs = {random_tensor({n, 5}, 1), random_tensor({n, 5}, 2)},
                             .function = [](const auto& in) { return add(in[0], in[1]); },
                             .oracle =
                                 [](const auto& in) {
                                   Tensor y = Tensor::empty(in[0].shape(), DType::f64);
                                   const double *a = in[0].template data<double>(),
                                                *b = in[1].template data<double>();
                                   for (std::int64_t i = 0; i < y.numel(); ++i)
                                     y.data<double>()[i] = a[i] + b[i];
                                   return y;
                                 }});
  }
  entry.samples.push_back({.label = "x + x: two paths to one input",
                           .inputs = {random_tensor({7}, 3)},
                           .function = [](const auto& in) { return add(in[0], in[0]); },
                           .oracle = elementwise_oracle([](double x) { return 2 * x; })});
  entry.bad_calls.push_back({"other shape", [] { add_forward(Tensor::zeros({2}), Tensor::zeros({3})); },
                             "[add] expected shape (2), got (3)"});
  entry.bad_calls.push_back({"other dtype",
                             [] { add_forward(Tensor::zeros({2}), Tensor::zeros({2}, DType::f64)); },
                             "[add] expected dtype f32, got f64"});
  return entry;
}

}  // namespace salu::test
