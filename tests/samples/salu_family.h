// SPDX-License-Identifier: MIT
/// Samples of the SALU family: the same shapes, coefficients and parameterisations for its five ops.
#pragma once

#include <cmath>

#include "tests/op_samples.h"

namespace salu::test {

/// The paper's formulas, written from their definition in a and b.
inline double paper_salu(double x, double a, double b) { return a * x / std::sqrt(1 + a * b * x * x); }
inline double paper_swalu(double x, double a, double b) { return x / 2 * (1 + paper_salu(x, a, b)); }
inline double paper_galu(double x, double a, double b) {
  const double psi = std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
  return x / 2 * (1 + paper_salu(psi, a, b));
}

/// a and b as `positive` stores them, from their definition (core/ops/options.h).
inline double stored_p(double a, double b, Positive positive) {
  if (positive == Positive::exp) return std::log(a);
  return positive == Positive::softplus ? std::log(std::exp(a) - 1) : std::log(std::sqrt(a / b));
}
inline double stored_q(double a, double b, Positive positive) {
  if (positive == Positive::exp) return std::log(b);
  return positive == Positive::softplus ? std::log(std::exp(b) - 1) : std::log(1 / std::sqrt(a * b));
}

struct Coefficients {
  double a, b;
};

/// Calls `make(label, x shape, sigma of x, stabilizer, gate, positive)` for each sample.
template <class Make>
void each_salu_sample(Make&& make) {
  const Coefficients pairs[] = {{1.316, 0.76}, {1, 1}, {0.5, 0.5}, {4, 0.25}, {0.2, 3}};
  int turn = 0;
  for (const Positive positive : {Positive::exp, Positive::softplus, Positive::log_sw}) {
    const char* name = positive == Positive::exp        ? "exp"
                       : positive == Positive::softplus ? "softplus"
                                                        : "log_sw";
    for (const std::int64_t n : kAwkwardSizes) {
      const Coefficients first = pairs[turn % 5], gate = pairs[(turn + 2) % 5];
      const double sigma = turn % 3 == 0 ? 0.05 : turn % 3 == 1 ? 1.0 : 8.0;  // linear, bent, saturated
      make(fmt::format("({}) {} a={} b={} sigma={}", n, name, first.a, first.b, sigma), Shape{n}, sigma,
           first, gate, positive);
      ++turn;
    }
    make(fmt::format("(2,3,5,7) {}", name), Shape{2, 3, 5, 7}, 1.0, pairs[1], pairs[2], positive);
  }
}

/// What each_salu_sample names, and one sample that takes several blocks of a kernel.
template <class Sample>
void add_salu_samples(OpEntry& entry, const Sample& sample) {
  each_salu_sample([&](const auto&... arguments) { entry.samples.push_back(sample(arguments...)); });
  const Coefficients first{1.316, 0.76}, gate{0.5, 0.5};
  entry.large = {sample("(5,1031)", Shape{5, 1031}, 8.0, first, gate, Positive::log_sw)};
}

inline Tensor scalar(double v) { return Tensor::full({1}, v, DType::f64); }

/// Samples and wrong calls of an op of one tensor, one pair of coefficients: `function` is its Variable form,
/// `paper(x, a, b)` its formula.
template <class Function, class Forward, class Backward>
OpEntry one_pair_entry(const std::string& name, Function function, Forward forward, Backward backward,
                       double (*paper)(double x, double a, double b)) {
  OpEntry entry{name, {}, {}, {1, 2}};
  const auto sample = [=](const std::string& label, Shape shape, double sigma, Coefficients c, Coefficients,
                          Positive positive) -> OpSample {
    return {.label = label,
            .inputs = {random_tensor(shape, 1, sigma), scalar(stored_p(c.a, c.b, positive)),
                       scalar(stored_q(c.a, c.b, positive))},
            .function = [=](const auto& in) { return function(in[0], in[1], in[2], positive); },
            .oracle =
                [=](const auto& in) {
                  Tensor y = in[0].clone();
                  for (std::int64_t i = 0; i < y.numel(); ++i)
                    y.data<double>()[i] = paper(in[0].template data<double>()[i], c.a, c.b);
                  return y;
                }};
  };
  add_salu_samples(entry, sample);
  const auto one = [] { return Tensor::zeros({1}); };
  const auto message = [&](const char* what) { return fmt::format("[{}] expected {}", name, what); };
  entry.bad_calls.push_back({"coefficients per channel",
                             [=] {
                               forward(Tensor::zeros({2, 3}), {Tensor::zeros({3}), one()}, Positive::exp);
                             },
                             message("coefficients of one element, got (3)")});
  entry.bad_calls.push_back({"coefficient of another dtype",
                             [=] {
                               forward(Tensor::zeros({2}), {one(), one().to(DType::f64)}, Positive::exp);
                             },
                             message("coefficients f32, got f64")});
  entry.bad_calls.push_back(
      {"gradient of another shape",
       [=] {
         CoefficientPair d{one(), one()};
         backward(Tensor::zeros({3}), Tensor::zeros({2}), {one(), one()}, d, Positive::exp);
       },
       message("shape (2), got (3)")});
  return entry;
}

}  // namespace salu::test
