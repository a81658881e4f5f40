// SPDX-License-Identifier: MIT
/// Mean and mean square of the activations of N(0,1), by quadrature, against their known values.
#include <cmath>
#include <numbers>

#include "autograd/functions.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

struct Moments {
  double mean;
  double square;
};

/// E[f(x)] and E[f(x)^2] by the trapezoidal rule on [-12, 12]: for a smooth f the error is far below 1e-12,
/// with a kink at 0, a node, it is of the order of the squared step, 1e-6.
Moments moments(const std::function<Variable(const Variable&)>& f) {
  constexpr int kNodes = 24001;
  constexpr double kStep = 24.0 / (kNodes - 1);
  std::vector<double> x(kNodes);
  for (int i = 0; i < kNodes; ++i) x[static_cast<std::size_t>(i)] = (i - kNodes / 2) * kStep;
  const auto y = f(Variable(Tensor::from({kNodes}, x))).value().values<double>();
  Moments m{0, 0};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = kStep * std::exp(-x[i] * x[i] / 2) / std::sqrt(2 * std::numbers::pi);
    m.mean += weight * y[i];
    m.square += weight * y[i] * y[i];
  }
  return m;
}

Variable constant(Shape shape, double value) { return Variable(Tensor::full(shape, value, DType::f64)); }

TEST_CASE("the quadrature knows N(0,1) itself") {
  const Moments m = moments([](const Variable& x) { return scale(x, 3); });
  CHECK(std::abs(m.mean) < 1e-12);
  CHECK(std::abs(m.square - 9) < 1e-11);
}

TEST_CASE("ReLU, Swish and GELU have the moments of the literature, to five digits") {
  const auto check = [](const char* name, const Moments& m, double mean, double square, double variance) {
    INFO(name);
    CHECK(std::abs(m.mean - mean) < 5.5e-6);
    CHECK(std::abs(m.square - square) < 5.5e-6);
    CHECK(std::abs(m.square - m.mean * m.mean - variance) < 5.5e-6);
  };
  check("relu", moments([](const Variable& x) { return relu(x); }), 0.39894, 0.50000, 0.34085);
  check("swish", moments([](const Variable& x) { return swish(x); }), 0.20662, 0.35578, 0.31308);
  check("gelu tanh", moments([](const Variable& x) { return gelu(x, GeluKind::tanh); }), 0.28204, 0.42519,
        0.34565);
}

TEST_CASE("moments with a closed form") {
  constexpr double pi = std::numbers::pi;
  // E[x Phi(x)] = E[phi(x)] by Stein's lemma; E[x^2 Phi(x)^2] = 1/3 + 1/(2 pi sqrt 3).
  const Moments gelu_erf = moments([](const Variable& x) { return gelu(x, GeluKind::erf); });
  CHECK(std::abs(gelu_erf.mean - 1 / (2 * std::sqrt(pi))) < 1e-12);
  CHECK(std::abs(gelu_erf.square - (1.0 / 3 + 1 / (2 * pi * std::sqrt(3)))) < 1e-12);
  // Half the mass sees slope 1, half sees slope k.
  const double k = 0.25;
  const Moments leaky = moments([&](const Variable& x) { return prelu(x, constant({1}, k)); });
  CHECK(std::abs(leaky.mean - (1 - k) / std::sqrt(2 * pi)) < 1e-6);
  CHECK(std::abs(leaky.square - (1 + k * k) / 2) < 1e-6);
  // Williams 1997: E[erf(a x)^2] = 2/pi asin(2 a^2 / (1 + 2 a^2)); E[erf(a x + s)] = erf(s / sqrt(1 + 2
  // a^2)).
  const double a = 0.5, s = -0.3, gamma = 1.5, beta = 0.2;
  const auto derf_of = [&](double shift, double offset) {
    return moments([&](const Variable& x) {
      return view(derf(view(x, {x.dim(0), 1}), constant({1}, a), constant({1}, shift), constant({1}, gamma),
                       constant({1}, offset)),
                  x.shape());
    });
  };
  CHECK(std::abs(derf_of(0, 0).square - gamma * gamma * 2 / pi * std::asin(2 * a * a / (1 + 2 * a * a))) <
        1e-11);
  CHECK(std::abs(derf_of(s, beta).mean - (gamma * std::erf(s / std::sqrt(1 + 2 * a * a)) + beta)) < 1e-11);
}

}  // namespace
}  // namespace salu::test
