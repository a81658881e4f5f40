// SPDX-License-Identifier: MIT
#include "core/ops/activations.h"

#include <algorithm>
#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// The samples of an activation without parameters. Values keep `gap` away from its kinks, where central
/// differences do not converge to the derivative.
OpEntry activation_entry(const ActivationKernels& f, Variable (*function)(const Variable&),
                         double (*expected)(double), double gap = 0, const std::vector<double>& kinks = {}) {
  OpEntry entry{f.op, {}, {}};
  const auto sample = [&](std::string label, Shape shape, std::uint32_t tag, double sigma) {
    return OpSample{.label = std::move(label),
                    .inputs = {random_tensor(shape, tag, sigma, gap, kinks)},
                    .function = [=](const auto& in) { return function(in[0]); },
                    .oracle = elementwise_oracle(expected)};
  };
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back(sample(fmt::format("({},3)", n), {n, 3}, 1, 2));
  }
  entry.samples.push_back(sample("(2,3,5,1): tails", {2, 3, 5, 1}, 2, 30));
  entry.bad_calls.push_back({"gradient of another shape",
                             [&f] {
                               activation_backward(f, Tensor::zeros({2, 3}), Tensor::zeros({3, 2}));
                             },
                             fmt::format("[{}] expected shape (3,2), got (2,3)", f.op)});
  entry.bad_calls.push_back({"integers", [&f] { activation_forward(f, Tensor::zeros({2}, DType::i32)); },
                             fmt::format("[{}] expected dtype f32 or f64, got i32", f.op)});
  return entry;
}

/// By erfc, where the op takes erf.
double gelu_exact(double x) { return x * 0.5 * std::erfc(-x * 0.70710678118654752); }

/// tanh u = 2 sigmoid(2u) - 1, hence x sigmoid(2u).
double gelu_approximate(double x) {
  return x / (1 + std::exp(-1.5957691216057308 * (x + 0.044715 * x * x * x)));
}

Tensor prelu_oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), slope = in[1].item();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = x[i] > 0 ? x[i] : slope * x[i];
  return y;
}

OpEntry prelu_entry() {
  OpEntry entry{"prelu", {}, {}, {1}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back(
        {.label = fmt::format("({})", n),
         .inputs = {random_tensor({n}, 1, 1.0, 0.01), Tensor::full({1}, 0.25, DType::f64)},
         .function = [](const auto& in) { return prelu(in[0], in[1]); },
         .oracle = prelu_oracle});
  }
  entry.samples.push_back(
      {.label = "(2,3,5,1), negative slope",
       .inputs = {random_tensor({2, 3, 5, 1}, 2, 1.0, 0.01), Tensor::full({1}, -0.7, DType::f64)},
       .function = [](const auto& in) { return prelu(in[0], in[1]); },
       .oracle = prelu_oracle});
  entry.samples.push_back({.label = "(7), the slope takes no gradient",
                           .inputs = {random_tensor({7}, 3, 1.0, 0.01), Tensor::full({1}, 0.1, DType::f64)},
                           .function = [](const auto& in) { return prelu(in[0], in[1]); },
                           .oracle = prelu_oracle,
                           .constant = {1}});
  entry.bad_calls.push_back({"a slope per channel",
                             [] {
                               prelu_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}));
                             },
                             "[prelu] expected slope of shape (1), got (3)"});
  entry.bad_calls.push_back({"gradient of another dtype",
                             [] {
                               prelu_backward(Tensor::zeros({2}, DType::f64), Tensor::zeros({2}),
                                              Tensor::zeros({1}), nullptr);
                             },
                             "[prelu] expected dtype f32, got f64"});
  return entry;
}

}  // namespace

std::vector<OpEntry> activations_entries() {
  return {
      activation_entry(relu_kernels, relu, [](double x) { return x > 0 ? x : 0.0; }, 0.01, {0}),
      activation_entry(
          gelu_kernels, [](const Variable& x) { return gelu(x, GeluKind::erf); }, gelu_exact),
      activation_entry(
          gelu_tanh_kernels, [](const Variable& x) { return gelu(x, GeluKind::tanh); }, gelu_approximate),
      activation_entry(swish_kernels, swish, [](double x) { return x / (1 + std::exp(-x)); }),
      activation_entry(hardswish_kernels, hardswish,
                       [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; }, 0.01, {-3, 3}),
      prelu_entry(),
  };
}

}  // namespace salu::test
