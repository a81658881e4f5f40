// SPDX-License-Identifier: MIT
#include "core/ops/layer_norm.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr double kEps = 1e-3;

Tensor oracle(const std::vector<Tensor>& in) {
  const std::int64_t c = in[0].dim(-1);
  const double *x = in[0].data<double>(), *gamma = in[1].data<double>(), *beta = in[2].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); i += c) {
    double sum = 0, squares = 0;
    for (std::int64_t k = 0; k < c; ++k) sum += x[i + k];
    const double mean = sum / static_cast<double>(c);
    for (std::int64_t k = 0; k < c; ++k) squares += std::pow(x[i + k] - mean, 2);
    const double deviation = std::sqrt(squares / static_cast<double>(c) + kEps);
    for (std::int64_t k = 0; k < c; ++k) {
      y.data<double>()[i + k] = gamma[k] * (x[i + k] - mean) / deviation + beta[k];
    }
  }
  return y;
}

}  // namespace

OpEntry layer_norm_entry() {
  OpEntry entry{"layer_norm", {}, {}, {1, 2}};
  const auto sample = [](const Shape& shape) {
    const Shape channels{shape[-1]};
    return OpSample{
        .label = shape.str(),
        .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
        .function = [](const auto& in) { return layer_norm(in[0], in[1], in[2], kEps); },
        .oracle = oracle,
        .has_sum = true};
  };
  entry.samples = {sample({3, 5}), sample({2, 3, 7}), sample({2, 1, 2, 13}), sample({31}),
                   sample({4, 1}), sample({0, 3}),    sample({1, 67})};
  entry.large = {sample({37, 264})};
  const auto call = [](Shape x, Shape gamma, Shape beta) {
    return [=] { layer_norm_forward(Tensor::zeros(x), Tensor::zeros(gamma), Tensor::zeros(beta), kEps); };
  };
  const auto backward = [](Shape gamma, Shape mean, Shape rstd, Shape dgamma, Shape dbeta,
                           DType statistics = DType::f32) {
    return [=] {
      Tensor g = Tensor::zeros(dgamma), b = Tensor::zeros(dbeta);
      layer_norm_backward(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}), Tensor::zeros(gamma),
                          {Tensor::zeros(mean, statistics), Tensor::zeros(rstd, statistics)}, {&g, &b});
    };
  };
  entry.bad_calls = {
      {"gamma", call({2, 3}, {4}, {3}), "[layer_norm] expected gamma of shape (3), got (4)"},
      {"beta", call({2, 3}, {3}, {1, 3}), "[layer_norm] expected beta of shape (3), got (1,3)"},
      {"scalar", call({}, {1}, {1}), "[layer_norm] expected x (...,C) with C >= 1, got ()"},
      {"no channel", call({2, 0}, {0}, {0}), "[layer_norm] expected x (...,C) with C >= 1, got (2,0)"},
      {"gradient",
       [] {
         layer_norm_backward(Tensor::zeros({2, 4}), Tensor::zeros({2, 3}), Tensor::zeros({3}), {}, {});
       },
       "[layer_norm] expected shape (2,3), got (2,4)"},
      {"gradient of no channel",
       [] {
         layer_norm_backward(Tensor::zeros({2, 0}), Tensor::zeros({2, 0}), Tensor::zeros({0}), {}, {});
       },
       "[layer_norm] expected x (...,C) with C >= 1, got (2,0)"},
      {"gradient, gamma", backward({4}, {2}, {2}, {3}, {3}),
       "[layer_norm] expected gamma of shape (3), got (4)"},
      {"gradient, mean", backward({3}, {3}, {2}, {3}, {3}),
       "[layer_norm] expected saved mean of shape (2), got (3)"},
      {"gradient, deviation", backward({3}, {2}, {1}, {3}, {3}),
       "[layer_norm] expected saved rstd of shape (2), got (1)"},
      {"gradient, dtype of the statistics", backward({3}, {2}, {2}, {3}, {3}, DType::f64),
       "[layer_norm] expected saved mean f32, got f64"},
      {"gradient, sum of gamma", backward({3}, {2}, {2}, {1}, {3}),
       "[layer_norm] expected dgamma of shape (3), got (1)"},
      {"gradient, sum of beta", backward({3}, {2}, {2}, {3}, {2}),
       "[layer_norm] expected dbeta of shape (3), got (2)"},
  };
  return entry;
}

}  // namespace salu::test
