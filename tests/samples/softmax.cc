// SPDX-License-Identifier: MIT
#include "core/ops/softmax.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// y_c = 1 / sum_k exp(x_k - x_c)
Tensor oracle(const std::vector<Tensor>& in) {
  const double* x = in[0].data<double>();
  const std::int64_t classes = in[0].dim(-1);
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    double sum = 0;
    for (std::int64_t k = i / classes * classes; k < (i / classes + 1) * classes; ++k)
      sum += std::exp(x[k] - x[i]);
    y.data<double>()[i] = 1 / sum;
  }
  return y;
}

}  // namespace

OpEntry softmax_entry() {
  OpEntry entry{"softmax", {}, {}};
  const auto sample = [&](const char* label, Tensor x) {
    entry.samples.push_back({.label = label,
                             .inputs = {x},
                             .function = [](const auto& in) { return softmax(in[0]); },
                             .oracle = oracle,
                             .has_sum = true});
  };
  sample("(0,3)", random_tensor({0, 3}, 1));
  sample("(5,0)", random_tensor({5, 0}, 1));
  sample("(3,1)", random_tensor({3, 1}, 1));
  sample("(1)", random_tensor({1}, 1));
  sample("(3,33)", random_tensor({3, 33}, 1));
  sample("(127)", random_tensor({127}, 1));
  sample("(2,3,2,7), spread", random_tensor({2, 3, 2, 7}, 1, 10.0));
  // exp(2000) is infinite in f64, exp(-2000) is 0: only differences may enter.
  sample("large", Tensor::from({2, 3}, std::vector<double>{2000, 2001, 1999, -2000, -2002, -2001}));
  entry.bad_calls.push_back(
      {"rank 0", [] { softmax_forward(Tensor::zeros({})); }, "[softmax] expected rank >= 1, got ()"});
  entry.bad_calls.push_back({"gradient of another shape",
                             [] {
                               softmax_backward(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}));
                             },
                             "[softmax] expected shape (3,2), got (2,3)"});
  return entry;
}

}  // namespace salu::test
