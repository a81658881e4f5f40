// SPDX-License-Identifier: MIT
#include "core/ops/batch_norm.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr double kEps = 1e-3;

/// in: x, gamma, beta and, in evaluation, the running mean and variance.
Tensor oracle(const std::vector<Tensor>& in) {
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

OpSample sample(Shape shape, bool training) {
  const Shape channels{shape[-1]};
  OpSample s{.label = fmt::format("{} {}", shape.str(), training ? "training" : "evaluation"),
             .inputs = {random_tensor(shape, 1, 2.0), random_tensor(channels, 2), random_tensor(channels, 3)},
             .function = training ? train : evaluate,
             .oracle = oracle,
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
  OpSample s = sample({5, 7, 2}, true);
  s.label = "mean 1024";
  for (std::int64_t i = 0; i < s.inputs[0].numel(); ++i) {
    double& v = s.inputs[0].data<double>()[i];
    v = 1024 + std::round(8 * v) / 8;  // a number that float holds exactly
  }
  return s;
}

}  // namespace

OpEntry batch_norm_entry() {
  OpEntry entry{"batch_norm", {}, {}, {1, 2, 3, 4}};
  entry.samples = {sample({7, 3}, true),        sample({2, 3, 4, 5}, true), sample({3, 11, 1}, true),
                   sample({2, 1, 1, 9}, true),  sample({67, 1}, true),      far_from_zero(),
                   sample({2, 3, 4, 5}, false), sample({1, 3}, false),      sample({0, 2, 2, 3}, false)};
  entry.large = {sample({613, 72}, true), sample({613, 72}, false)};
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

}  // namespace salu::test
