// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), *b = in[1].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = x[i] + b[i % in[0].dim(-1)];
  return y;
}

}  // namespace

OpEntry bias_entry() {
  OpEntry entry{"bias", {}, {}, {1}};
  for (const Shape& shape :
       {Shape{0, 3}, Shape{5, 0}, Shape{1}, Shape{31, 3}, Shape{3, 33}, Shape{2, 3, 2, 5}}) {
    entry.samples.push_back({.label = shape.str(),
                             .inputs = {random_tensor(shape, 1), random_tensor({shape[-1]}, 2)},
                             .function = [](const auto& in) { return bias(in[0], in[1]); },
                             .oracle = oracle});
  }
  entry.samples.push_back({.label = "(7,3), b takes no gradient",
                           .inputs = {random_tensor({7, 3}, 3), random_tensor({3}, 4)},
                           .function = [](const auto& in) { return bias(in[0], in[1]); },
                           .oracle = oracle,
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

}  // namespace salu::test
