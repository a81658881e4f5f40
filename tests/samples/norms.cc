// SPDX-License-Identifier: MIT
#include "core/ops/norms.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr double kEps = 1e-3;

/// in: x, gamma, beta and, in evaluation, the running mean and variance.
Tensor batch_norm_oracle(const std::vector<Tensor>& in) {
  const std::int64_t c = in[0].dim(-1), rows = c == 0 ? 0 : in[0].numel() / c;
  const double* x = in[0].data<double>();
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t k = 0; k < c; ++k) {
    double mean = 0, variance = 0;
    if (in.size() > 3) {
      mean = in[3].data<double>()[k];
      variance = in[4].data<double>()[k];
    } else {
      for (std::int64_t r = 0; r < rows; ++r) mean += x[r * c + k] / static_cast<double>(rows);
      for (std::int64_t r = 0; r < rows; ++r) {
        variance += std::pow(x[r * c + k] - mean, 2) / static_cast<double>(rows);
      }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      y.data<double>()[r * c + k] =
          in[1].data<double>()[k] * (x[r * c + k] - mean) / std::sqrt(variance + kEps) +
          in[2].data<double>()[k];
    }
  }
  return y;
}

/// The running statistics are new for every call, so that calls do not depend on each other.
Variable train(const std::vector<Variable>& in) {
  const Tensor& gamma = in[1].value();
  return batch_norm(in[0], in[1], in[2], Tensor::zeros(gamma.shape(), gamma.dtype(), gamma.device()),
                    Tensor::full(gamma.shape(), 1.0, gamma.dtype(), gamma.device()), true, 0.1, kEps);
}

Variable evaluate(const std::vector<Variable>& in) {
  return batch_norm(in[0], in[1], in[2], in[3].value(), in[4].value(), false, 0.1, kEps);
}

OpSample batch_norm_sample(Shape shape, bool training) {
  const Shape channels{shape[-1]};
  OpSample s{.label = fmt::format("{} {}", shape.str(), training ? "training" : "evaluation"),
             .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
             .function = training ? train : evaluate,
             .oracle = batch_norm_oracle,
             .has_sum = true};
  if (!training) {
    Tensor variance = random_tensor(channels, 5);
    for (std::int64_t i = 0; i < variance.numel(); ++i) {
      variance.data<double>()[i] = 0.1 + std::abs(variance.data<double>()[i]);
    }
    s.inputs.push_back(random_tensor(channels, 4));
    s.inputs.push_back(variance);
    s.constant = {3, 4};
  }
  return s;
}

/// A mean a thousand times the deviation, as after a layer with a large bias.
OpSample far_from_zero() {
  OpSample s = batch_norm_sample({5, 7, 2}, true);
  s.label = "mean 1024";
  for (std::int64_t i = 0; i < s.inputs[0].numel(); ++i) {
    double& v = s.inputs[0].data<double>()[i];
    v = 1024 + std::round(8 * v) / 8;  // a number that float holds exactly
  }
  return s;
}

OpEntry batch_norm_entry() {
  OpEntry entry{"batch_norm", {}, {}, {1, 2, 3, 4}};
  entry.samples = {batch_norm_sample({7, 3}, true),        batch_norm_sample({2, 3, 4, 5}, true),
                   batch_norm_sample({3, 11, 1}, true),    batch_norm_sample({2, 1, 1, 9}, true),
                   batch_norm_sample({67, 1}, true),       far_from_zero(),
                   batch_norm_sample({2, 3, 4, 5}, false), batch_norm_sample({1, 3}, false),
                   batch_norm_sample({0, 2, 2, 3}, false)};
  entry.large = {batch_norm_sample({613, 72}, true), batch_norm_sample({613, 72}, false)};
  const auto call = [](Shape x, Shape gamma, Shape beta, Shape mean, Shape var, DType dtype = DType::f32) {
    return [=] {
      Tensor m = Tensor::zeros(mean), v = Tensor::zeros(var);
      batch_norm_forward(Tensor::zeros(x), Tensor::zeros(gamma, dtype), Tensor::zeros(beta), m, v, {});
    };
  };
  const auto backward = [](Shape gamma, Shape mean, Shape rstd, Shape dgamma, Shape dbeta) {
    return [=] {
      Tensor g = Tensor::zeros(dgamma), b = Tensor::zeros(dbeta);
      batch_norm_backward(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}), Tensor::zeros(gamma),
                          {Tensor::zeros(mean), Tensor::zeros(rstd)}, true, {&g, &b});
    };
  };
  const Shape three{3}, four{4};
  entry.bad_calls = {
      {"one value per channel", call({1, 1, 1, 3}, three, three, three, three),
       "[batch_norm] expected more than 1 value per channel when training, got x (1,1,1,3)"},
      {"no value per channel", call({0, 2, 2, 3}, three, three, three, three),
       "[batch_norm] expected more than 1 value per channel when training, got x (0,2,2,3)"},
      {"rank", call({3}, three, three, three, three),
       "[batch_norm] expected x (...,C) of rank 2 to 4, got (3)"},
      {"gamma", call({2, 3}, four, three, three, three), "[batch_norm] expected gamma of shape (3), got (4)"},
      {"beta", call({2, 3}, three, four, three, three), "[batch_norm] expected beta of shape (3), got (4)"},
      {"mean", call({2, 3}, three, three, four, three),
       "[batch_norm] expected running_mean of shape (3), got (4)"},
      {"variance", call({2, 3}, three, three, three, four),
       "[batch_norm] expected running_var of shape (3), got (4)"},
      {"dtype", call({2, 3}, three, three, three, three, DType::f64),
       "[batch_norm] expected gamma f32, got f64"},
      {"gradient",
       [] {
         batch_norm_backward(Tensor::zeros({2, 4}), Tensor::zeros({2, 3}), Tensor::zeros({3}), {}, true, {});
       },
       "[batch_norm] expected shape (2,3), got (2,4)"},
      {"gradient, rank",
       [] { batch_norm_backward(Tensor::zeros({3}), Tensor::zeros({3}), Tensor::zeros({3}), {}, true, {}); },
       "[batch_norm] expected x (...,C) of rank 2 to 4, got (3)"},
      {"gradient, gamma", backward(four, three, three, three, three),
       "[batch_norm] expected gamma of shape (3), got (4)"},
      {"gradient, mean", backward(three, four, three, three, three),
       "[batch_norm] expected saved mean of shape (3), got (4)"},
      {"gradient, deviation", backward(three, three, four, three, three),
       "[batch_norm] expected saved rstd of shape (3), got (4)"},
      {"gradient, sum of gamma", backward(three, three, three, four, three),
       "[batch_norm] expected dgamma of shape (3), got (4)"},
      {"gradient, sum of beta", backward(three, three, three, three, four),
       "[batch_norm] expected dbeta of shape (3), got (4)"},
  };
  return entry;
}

/// Collects the values of each (group_norm_sample, group) by looking at every element of x.
Tensor group_norm_oracle(const std::vector<Tensor>& in, std::int64_t groups) {
  const Tensor& x = in[0];
  const std::int64_t c = x.dim(-1), group_norm_sample = x.dim(0) == 0 ? 1 : x.numel() / x.dim(0);
  const auto group_of = [&](std::int64_t i) { return i / group_norm_sample * groups + i % c / (c / groups); };
  const auto count = static_cast<double>(group_norm_sample / groups);
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

OpSample group_norm_sample(Shape shape, std::int64_t groups) {
  const Shape channels{shape[-1]};
  return {.label = fmt::format("{} {} groups", shape.str(), groups),
          .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
          .function = [=](const auto& in) { return group_norm(in[0], in[1], in[2], groups, kEps); },
          .oracle = [=](const auto& in) { return group_norm_oracle(in, groups); },
          .has_sum = true};
}

OpEntry group_norm_entry() {
  OpEntry entry{"group_norm", {}, {}, {1, 2}};
  entry.samples = {group_norm_sample({2, 3, 2, 6}, 2), group_norm_sample({2, 2, 3, 5}, 1),
                   group_norm_sample({1, 5, 7, 3}, 3), group_norm_sample({5, 12}, 3),
                   group_norm_sample({1, 1, 1, 4}, 2), group_norm_sample({0, 2, 2, 6}, 3)};
  entry.large = {group_norm_sample({2, 27, 38, 24}, 3), group_norm_sample({3, 4, 5, 80}, 2)};
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

Tensor layer_norm_oracle(const std::vector<Tensor>& in) {
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

OpEntry layer_norm_entry() {
  OpEntry entry{"layer_norm", {}, {}, {1, 2}};
  const auto layer_norm_sample = [](const Shape& shape) {
    const Shape channels{shape[-1]};
    return OpSample{
        .label = shape.str(),
        .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
        .function = [](const auto& in) { return layer_norm(in[0], in[1], in[2], kEps); },
        .oracle = layer_norm_oracle,
        .has_sum = true};
  };
  entry.samples = {layer_norm_sample({3, 5}), layer_norm_sample({2, 3, 7}), layer_norm_sample({2, 1, 2, 13}),
                   layer_norm_sample({31}),   layer_norm_sample({4, 1}),    layer_norm_sample({0, 3}),
                   layer_norm_sample({1, 67})};
  entry.large = {layer_norm_sample({37, 264})};
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

}  // namespace

std::vector<OpEntry> norms_entries() { return {batch_norm_entry(), group_norm_entry(), layer_norm_entry()}; }

}  // namespace salu::test
