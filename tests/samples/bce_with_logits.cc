// SPDX-License-Identifier: MIT
#include "core/ops/bce_with_logits.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// -t ln p - (1-t) ln (1-p), with -ln p = ln(1 + e^-x) and -ln(1-p) = ln(1 + e^x)
Tensor oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), *t = in[1].data<double>();
  double loss = 0;
  for (std::int64_t i = 0; i < in[0].numel(); ++i)
    loss += t[i] * std::log(1 + std::exp(-x[i])) + (1 - t[i]) * std::log(1 + std::exp(x[i]));
  return Tensor::full({1}, loss / static_cast<double>(in[0].numel()), DType::f64);
}

}  // namespace

OpEntry bce_with_logits_entry() {
  OpEntry entry{"bce_with_logits", {}, {}, {1}};
  const auto sample = [&](const char* label, Tensor logits, Tensor targets) {
    entry.samples.push_back({.label = label,
                             .inputs = {logits, targets},
                             .function = [](const auto& in) { return bce_with_logits(in[0], in[1].value()); },
                             .oracle = oracle,
                             .has_sum = true,
                             .constant = {1}});
  };
  sample("(1,1)", random_tensor({1, 1}, 1), Tensor::full({1, 1}, 1, DType::f64));
  sample("(3,10), soft", random_tensor({3, 10}, 1, 3.0), Tensor::full({3, 10}, 0.3, DType::f64));
  sample("(31,7), any targets", random_tensor({31, 7}, 1), random_tensor({31, 7}, 2));
  sample("(2,1025)", random_tensor({2, 1025}, 1, 5.0), Tensor::full({2, 1025}, 0, DType::f64));
  sample("(2,3), large logits", Tensor::from({2, 3}, std::vector<double>{400, -400, 88, -89, 104, 600}),
         Tensor::from({2, 3}, std::vector<double>{1, 0, 0, 1, 0.5, 1}));
  entry.bad_calls.push_back({"empty batch",
                             [] {
                               bce_with_logits_forward(Tensor::zeros({0, 10}), Tensor::zeros({0, 10}));
                             },
                             "[bce_with_logits] expected logits (B,K) with B, K >= 1, got (0,10)"});
  entry.bad_calls.push_back(
      {"labels in place of targets",
       [] {
         bce_with_logits_forward(Tensor::zeros({4, 10}), Tensor::zeros({4}, DType::i64));
       },
       "[bce_with_logits] expected targets of shape (4,10), got (4)"});
  entry.bad_calls.push_back(
      {"targets of another dtype",
       [] {
         bce_with_logits_forward(Tensor::zeros({4, 10}), Tensor::zeros({4, 10}, DType::f64));
       },
       "[bce_with_logits] expected targets f32, got f64"});
  entry.bad_calls.push_back(
      {"dloss of another shape",
       [] {
         bce_with_logits_backward(Tensor::zeros({2}), Tensor::zeros({4, 10}), Tensor::zeros({4, 10}));
       },
       "[bce_with_logits] expected dloss of shape (1), got (2)"});
  return entry;
}

}  // namespace salu::test
