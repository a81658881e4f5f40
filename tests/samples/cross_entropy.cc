// SPDX-License-Identifier: MIT
#include "core/ops/cross_entropy.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor one_hot(std::int64_t batch, std::int64_t classes) {
  Tensor t = Tensor::zeros({batch, classes}, DType::f64);
  for (std::int64_t b = 0; b < batch; ++b) t.data<double>()[b * classes + (5 * b + 2) % classes] = 1;
  return t;
}

/// -ln p_c = ln sum_k exp(x_k - x_c)
Tensor oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), *t = in[1].data<double>();
  const std::int64_t batch = in[0].dim(0), classes = in[0].dim(1);
  double loss = 0;
  for (std::int64_t i = 0; i < batch * classes; ++i) {
    double sum = 0;
    for (std::int64_t k = i / classes * classes; k < (i / classes + 1) * classes; ++k)
      sum += std::exp(x[k] - x[i]);
    loss += t[i] * std::log(sum);
  }
  return Tensor::full({1}, loss / static_cast<double>(batch), DType::f64);
}

}  // namespace

OpEntry cross_entropy_entry() {
  OpEntry entry{"cross_entropy", {}, {}, {1}};
  const auto sample = [&](const char* label, Tensor logits, Tensor targets) {
    entry.samples.push_back({.label = label,
                             .inputs = {logits, targets},
                             .function = [](const auto& in) { return cross_entropy(in[0], in[1].value()); },
                             .oracle = oracle,
                             .has_sum = true,
                             .constant = {1}});
  };
  sample("(1,1)", random_tensor({1, 1}, 1), Tensor::full({1, 1}, 1, DType::f64));
  sample("(3,10), one class each", random_tensor({3, 10}, 1, 3.0), one_hot(3, 10));
  sample("(31,7), soft, rows sum to anything", random_tensor({31, 7}, 1), random_tensor({31, 7}, 2));
  sample("(1,127)", random_tensor({1, 127}, 1, 5.0), one_hot(1, 127));
  sample("(2,3), large logits",
         Tensor::from({2, 3}, std::vector<double>{2000, 2001, 1999, -2000, -2002, -2001}), one_hot(2, 3));
  entry.bad_calls.push_back({"empty batch",
                             [] {
                               cross_entropy_forward(Tensor::zeros({0, 10}), Tensor::zeros({0, 10}));
                             },
                             "[cross_entropy] expected logits (B,K) with B, K >= 1, got (0,10)"});
  entry.bad_calls.push_back({"no classes",
                             [] {
                               cross_entropy_forward(Tensor::zeros({4, 0}), Tensor::zeros({4, 0}));
                             },
                             "[cross_entropy] expected logits (B,K) with B, K >= 1, got (4,0)"});
  entry.bad_calls.push_back({"labels in place of targets",
                             [] {
                               cross_entropy_forward(Tensor::zeros({4, 10}), Tensor::zeros({4}, DType::i64));
                             },
                             "[cross_entropy] expected targets of shape (4,10), got (4)"});
  entry.bad_calls.push_back(
      {"targets of another dtype",
       [] {
         cross_entropy_forward(Tensor::zeros({4, 10}), Tensor::zeros({4, 10}, DType::f64));
       },
       "[cross_entropy] expected targets f32, got f64"});
  entry.bad_calls.push_back(
      {"targets of bf16 logits in bf16",
       [] {
         cross_entropy_forward(Tensor::zeros({4, 10}, DType::bf16), Tensor::zeros({4, 10}, DType::bf16));
       },
       "[cross_entropy] expected targets f32, got bf16"});
  return entry;
}

}  // namespace salu::test
