// SPDX-License-Identifier: MIT
#include "core/ops/group_norm.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr double kEps = 1e-3;

/// Collects the values of each (sample, group) by looking at every element of x.
Tensor oracle(const std::vector<Tensor>& in, std::int64_t groups) {
  const Tensor& x = in[0];
  const std::int64_t c = x.dim(-1), sample = x.dim(0) == 0 ? 1 : x.numel() / x.dim(0);
  const auto group_of = [&](std::int64_t i) { return i / sample * groups + i % c / (c / groups); };
  const auto count = static_cast<double>(sample / groups);
  std::vector<double> mean(static_cast<std::size_t>(x.dim(0) * groups)), variance(mean.size());
  const auto at = [&](std::vector<double>& v, std::int64_t i) -> double& {
    return v[static_cast<std::size_t>(group_of(i))];
  };
  for (std::int64_t i = 0; i < x.numel(); ++i) at(mean, i) += x.data<double>()[i] / count;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    at(variance, i) += std::pow(x.data<double>()[i] - at(mean, i), 2) / count;
  }
  Tensor y = Tensor::empty(x.shape(), DType::f64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double h = (x.data<double>()[i] - at(mean, i)) / std::sqrt(at(variance, i) + kEps);
    y.data<double>()[i] = in[1].data<double>()[i % c] * h + in[2].data<double>()[i % c];
  }
  return y;
}

OpSample sample(Shape shape, std::int64_t groups) {
  const Shape channels{shape[-1]};
  return {.label = fmt::format("{} {} groups", shape.str(), groups),
          .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
          .function = [=](const auto& in) { return group_norm(in[0], in[1], in[2], groups, kEps); },
          .oracle = [=](const auto& in) { return oracle(in, groups); },
          .has_sum = true};
}

}  // namespace

OpEntry group_norm_entry() {
  OpEntry entry{"group_norm", {}, {}, {1, 2}};
  entry.samples = {sample({2, 3, 2, 6}, 2), sample({2, 2, 3, 5}, 1), sample({1, 5, 7, 3}, 3),
                   sample({5, 12}, 3),      sample({1, 1, 1, 4}, 2), sample({0, 2, 2, 6}, 3)};
  entry.large = {sample({2, 27, 38, 24}, 3), sample({3, 4, 5, 80}, 2)};
  const auto call = [](Shape x, Shape gamma, Shape beta, std::int64_t groups) {
    return [=] {
      group_norm_forward(Tensor::zeros(x), Tensor::zeros(gamma), Tensor::zeros(beta), groups, kEps);
    };
  };
  const auto backward = [](Shape gamma, Shape mean, Shape rstd, Shape dgamma, Shape dbeta) {
    return [=] {
      Tensor g = Tensor::zeros(dgamma), b = Tensor::zeros(dbeta);
      group_norm_backward(Tensor::zeros({2, 6}), Tensor::zeros({2, 6}), Tensor::zeros(gamma),
                          {Tensor::zeros(mean), Tensor::zeros(rstd)}, {&g, &b});
    };
  };
  entry.bad_calls = {
      {"groups", call({2, 3, 3, 6}, {6}, {6}, 4),
       "[group_norm] expected x (N,H,W,C) or (N,C) with C divisible by 4 groups, got (2,3,3,6)"},
      {"no groups", call({2, 6}, {6}, {6}, 0), "C divisible by 0 groups"},
      {"rank", call({2, 3, 6}, {6}, {6}, 2), "[group_norm] expected x (N,H,W,C) or (N,C)"},
      {"gamma", call({2, 6}, {3}, {6}, 2), "[group_norm] expected gamma of shape (6), got (3)"},
      {"beta", call({2, 6}, {6}, {3}, 2), "[group_norm] expected beta of shape (6), got (3)"},
      {"gradient",
       [] {
         group_norm_backward(Tensor::zeros({2, 4}), Tensor::zeros({2, 6}), Tensor::zeros({6}), {}, {});
       },
       "[group_norm] expected shape (2,6), got (2,4)"},
      {"gradient, nothing saved",
       [] {
         group_norm_backward(Tensor::zeros({2, 6}), Tensor::zeros({2, 6}), Tensor::zeros({6}), {}, {});
       },
       "[group_norm] expected a saved mean of shape (N,G), got an undefined tensor"},
      {"gradient, rank of the mean", backward({6}, {2}, {2}, {6}, {6}),
       "[group_norm] expected a saved mean of shape (N,G), got (2)"},
      {"gradient, groups", backward({6}, {2, 4}, {2, 4}, {6}, {6}), "C divisible by 4 groups"},
      {"gradient, gamma", backward({3}, {2, 3}, {2, 3}, {6}, {6}),
       "[group_norm] expected gamma of shape (6), got (3)"},
      {"gradient, mean", backward({6}, {1, 3}, {2, 3}, {6}, {6}),
       "[group_norm] expected saved mean of shape (2,3), got (1,3)"},
      {"gradient, deviation", backward({6}, {2, 3}, {2, 2}, {6}, {6}),
       "[group_norm] expected saved rstd of shape (2,3), got (2,2)"},
      {"gradient, sum of gamma", backward({6}, {2, 3}, {2, 3}, {5}, {6}),
       "[group_norm] expected dgamma of shape (6), got (5)"},
      {"gradient, sum of beta", backward({6}, {2, 3}, {2, 3}, {6}, {1}),
       "[group_norm] expected dbeta of shape (6), got (1)"},
  };
  return entry;
}

}  // namespace salu::test
