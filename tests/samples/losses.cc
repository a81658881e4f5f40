// SPDX-License-Identifier: MIT
#include "core/ops/losses.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// y_c = 1 / sum_k exp(x_k - x_c)
Tensor softmax_oracle(const std::vector<Tensor>& in) {
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

OpEntry softmax_entry() {
  OpEntry entry{"softmax", {}, {}};
  const auto sample = [&](const char* label, Tensor x) {
    entry.samples.push_back({.label = label,
                             .inputs = {x},
                             .function = [](const auto& in) { return softmax(in[0]); },
                             .oracle = softmax_oracle,
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

Tensor one_hot(std::int64_t batch, std::int64_t classes) {
  Tensor t = Tensor::zeros({batch, classes}, DType::f64);
  for (std::int64_t b = 0; b < batch; ++b) t.data<double>()[b * classes + (5 * b + 2) % classes] = 1;
  return t;
}

/// -ln p_c = ln sum_k exp(x_k - x_c)
Tensor cross_entropy_oracle(const std::vector<Tensor>& in) {
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

OpEntry cross_entropy_entry() {
  OpEntry entry{"cross_entropy", {}, {}, {1}};
  const auto sample = [&](const char* label, Tensor logits, Tensor targets) {
    entry.samples.push_back({.label = label,
                             .inputs = {logits, targets},
                             .function = [](const auto& in) { return cross_entropy(in[0], in[1].value()); },
                             .oracle = cross_entropy_oracle,
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

/// -t ln p - (1-t) ln (1-p), with -ln p = ln(1 + e^-x) and -ln(1-p) = ln(1 + e^x)
Tensor bce_with_logits_oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), *t = in[1].data<double>();
  double loss = 0;
  for (std::int64_t i = 0; i < in[0].numel(); ++i)
    loss += t[i] * std::log(1 + std::exp(-x[i])) + (1 - t[i]) * std::log(1 + std::exp(x[i]));
  return Tensor::full({1}, loss / static_cast<double>(in[0].numel()), DType::f64);
}

OpEntry bce_with_logits_entry() {
  OpEntry entry{"bce_with_logits", {}, {}, {1}};
  const auto sample = [&](const char* label, Tensor logits, Tensor targets) {
    entry.samples.push_back({.label = label,
                             .inputs = {logits, targets},
                             .function = [](const auto& in) { return bce_with_logits(in[0], in[1].value()); },
                             .oracle = bce_with_logits_oracle,
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

}  // namespace

std::vector<OpEntry> losses_entries() {
  return {softmax_entry(), cross_entropy_entry(), bce_with_logits_entry()};
}

}  // namespace salu::test
