// SPDX-License-Identifier: MIT
#include "core/ops/arithmetic.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

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

Tensor mul_oracle(const std::vector<Tensor>& in) {
  const double *a = in[0].data<double>(), *b = in[1].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = a[i] * b[i];
  return y;
}

OpEntry mul_entry() {
  OpEntry entry{"mul", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({})", n),
                             .inputs = {random_tensor({n}, 1), random_tensor({n}, 2)},
                             .function = [](const auto& in) { return mul(in[0], in[1]); },
                             .oracle = mul_oracle});
  }
  entry.samples.push_back({.label = "(3,5), b takes no gradient",
                           .inputs = {random_tensor({3, 5}, 3), random_tensor({3, 5}, 4)},
                           .function = [](const auto& in) { return mul(in[0], in[1]); },
                           .oracle = mul_oracle,
                           .constant = {1}});
  entry.samples.push_back({.label = "x x: two paths to one input",
                           .inputs = {random_tensor({7}, 5)},
                           .function = [](const auto& in) { return mul(in[0], in[0]); },
                           .oracle = elementwise_oracle([](double x) { return x * x; })});
  entry.bad_calls.push_back({"other shape", [] { mul_forward(Tensor::zeros({2}), Tensor::zeros({1})); },
                             "[mul] expected shape (2), got (1)"});
  return entry;
}

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

Tensor bias_oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), *b = in[1].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = x[i] + b[i % in[0].dim(-1)];
  return y;
}

OpEntry bias_entry() {
  OpEntry entry{"bias", {}, {}, {1}};
  for (const Shape& shape :
       {Shape{0, 3}, Shape{5, 0}, Shape{1}, Shape{31, 3}, Shape{3, 33}, Shape{2, 3, 2, 5}}) {
    entry.samples.push_back({.label = shape.str(),
                             .inputs = {random_tensor(shape, 1), random_tensor({shape[-1]}, 2)},
                             .function = [](const auto& in) { return bias(in[0], in[1]); },
                             .oracle = bias_oracle});
  }
  entry.samples.push_back({.label = "(7,3), b takes no gradient",
                           .inputs = {random_tensor({7, 3}, 3), random_tensor({3}, 4)},
                           .function = [](const auto& in) { return bias(in[0], in[1]); },
                           .oracle = bias_oracle,
                           .constant = {1}});
  entry.bad_calls.push_back({"one offset per row",
                             [] {
                               bias_forward(Tensor::zeros({2, 3}), Tensor::zeros({2}));
                             },
                             "[bias] expected b of shape (3), got (2)"});
  entry.bad_calls.push_back({"gradient of another shape",
                             [] {
                               Tensor db = Tensor::zeros({2});
                               bias_backward(Tensor::zeros({2, 3}), db);
                             },
                             "[bias] expected db of shape (3), got (2)"});
  return entry;
}

Tensor sum_oracle(const std::vector<Tensor>& in) {
  double sum = 0;
  for (const double v : in[0].values<double>()) sum += v;
  return Tensor::full({1}, sum, DType::f64);
}

OpEntry sum_entry() {
  OpEntry entry{"sum", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({},3)", n),
                             .inputs = {random_tensor({n, 3}, 1)},
                             .function = [](const auto& in) { return sum(in[0]); },
                             .oracle = sum_oracle,
                             .has_sum = true});
  }
  entry.samples.push_back({.label = "rank 0",
                           .inputs = {random_tensor({}, 2)},
                           .function = [](const auto& in) { return sum(in[0]); },
                           .oracle = sum_oracle});
  entry.bad_calls.push_back({"gradient that is no scalar", [] { sum_backward(Tensor::zeros({2}), {2}); },
                             "[sum] expected dy of shape (1), got (2)"});
  entry.bad_calls.push_back({"integers", [] { sum_forward(Tensor::zeros({2}, DType::i64)); },
                             "[sum] expected dtype f32 or f64, got i64"});
  return entry;
}

Tensor mean_oracle(const std::vector<Tensor>& in) {
  double sum = 0;
  for (const double v : in[0].values<double>()) sum += v;
  return Tensor::full({1}, sum / static_cast<double>(in[0].numel()), DType::f64);
}

OpEntry mean_entry() {
  OpEntry entry{"mean", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    if (n == 0) continue;  // refused, see below
    entry.samples.push_back({.label = fmt::format("({},3)", n),
                             .inputs = {random_tensor({n, 3}, 1)},
                             .function = [](const auto& in) { return mean(in[0]); },
                             .oracle = mean_oracle,
                             .has_sum = true});
  }
  entry.bad_calls.push_back({"nothing to average",
                             [] {
                               mean_forward(Tensor::zeros({0, 3}));
                             },
                             "[mean] expected at least one element, got (0,3)"});
  entry.bad_calls.push_back({"gradient that is no scalar", [] { mean_backward(Tensor::zeros({2}), {2}); },
                             "[mean] expected dy of shape (1), got (2)"});
  return entry;
}

}  // namespace

std::vector<OpEntry> arithmetic_entries() {
  return {add_entry(), mul_entry(), scale_entry(), bias_entry(), sum_entry(), mean_entry()};
}

}  // namespace salu::test
