// SPDX-License-Identifier: MIT
#include "core/ops/linear.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// in: x (...,C), w (N,C) and perhaps b (N).
Tensor oracle(const std::vector<Tensor>& in) {
  const std::int64_t n = in[1].dim(0), c = in[1].dim(1);
  Tensor y = Tensor::empty(in[0].shape().with(-1, n), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    double sum = in.size() > 2 ? in[2].data<double>()[i % n] : 0.0;
    for (std::int64_t p = 0; p < c; ++p) {
      sum += in[0].data<double>()[i / n * c + p] * in[1].data<double>()[i % n * c + p];
    }
    y.data<double>()[i] = sum;
  }
  return y;
}

OpSample sample(Shape x, std::int64_t n, bool with_bias) {
  const std::int64_t c = x[-1];
  OpSample s{
      .label = fmt::format("{} -> {}{}", x.str(), n, with_bias ? " with bias" : ""),
      .inputs = {random_tensor(x, 1), random_tensor({n, c}, 2)},
      .function = [](const auto& in) { return linear(in[0], in[1], in.size() > 2 ? in[2] : Variable()); },
      .oracle = oracle,
      .has_sum = true};
  if (with_bias) s.inputs.push_back(random_tensor({n}, 3));
  return s;
}

Tensor no_bias() { return {}; }

}  // namespace

OpEntry linear_entry() {
  OpEntry entry{"linear", {}, {}, {2}};
  entry.samples = {sample({3, 5}, 7, false),   sample({3, 5}, 7, true),        sample({9}, 4, true),
                   sample({2, 3, 5}, 3, true), sample({2, 1, 3, 4}, 5, false), sample({0, 4}, 3, true),
                   sample({35, 3}, 1, true)};
  entry.bad_calls = {
      {"channels",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 4}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C), got x (2,3) and w (5,4)"},
      {"rank of w",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C), got x (2,3) and w (3)"},
      {"scalar x",
       [] {
         linear_forward(Tensor::zeros({}), Tensor::zeros({5, 4}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C)"},
      {"bias",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}), Tensor::zeros({3}));
       },
       "[linear] expected b of shape (5), got (3)"},
      {"dtype of w",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}, DType::f64), no_bias());
       },
       "[linear] expected w f32 on cpu, got f64 on cpu"},
      {"dtype of b",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}), Tensor::zeros({5}, DType::f64));
       },
       "[linear] expected b f32, got f64"},
      {"dtype of the gradient of w",
       [] {
         Tensor dw = Tensor::zeros({5, 3}, DType::bf16);
         linear_backward_weight(Tensor::zeros({2, 5}, DType::bf16), Tensor::zeros({2, 3}, DType::bf16), dw);
       },
       "[linear] expected dw f32, got bf16"},
      {"dtype of the gradient of b",
       [] {
         Tensor db = Tensor::zeros({5}, DType::f64);
         linear_backward_bias(Tensor::zeros({2, 5}), db);
       },
       "[linear] expected db f32, got f64"},
      {"gradient",
       [] {
         linear_backward_input(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}));
       },
       "[linear] expected dy (...,N) for w (N,C), got dy (2,3) and w (5,3)"},
  };
  return entry;
}

}  // namespace salu::test
