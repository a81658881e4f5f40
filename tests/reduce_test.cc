// SPDX-License-Identifier: MIT
#include "core/ops/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/functions.h"
#include "core/ops/softmax_row.h"
#include "tests/catch.h"
#include "tests/check_large.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

TEST_CASE("column_sums agrees with plain loops, with any number of threads") {
  const std::vector<std::pair<std::int64_t, std::int64_t>> sizes = {
      {0, 3}, {5, 0}, {1, 1}, {40009, 1}, {20011, 3}, {1361, 33}, {3, 20001}, {1200007, 1}};
  for (const auto& [rows, columns] : sizes) {
    INFO(rows << " x " << columns);
    const Tensor x = random_tensor({rows, columns}, 1, 3.0).to(DType::f32);
    const float* p = x.data<float>();
    // long double: a double sum of a million terms has an error of its own that shows here
    std::vector<long double> expected(static_cast<std::size_t>(2 * columns)), magnitude = expected;
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      const auto c = static_cast<std::size_t>(i % columns), k = c + static_cast<std::size_t>(columns);
      expected[c] += p[i];
      expected[k] += double{p[i]} * p[i];
      magnitude[c] += std::abs(p[i]);
      magnitude[k] += double{p[i]} * p[i];
    }
    std::vector<double> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      const auto sums =
          column_sums<double>(rows, columns, 2 * columns, [&, n = columns](std::int64_t row, double* s) {
            for (std::int64_t c = 0; c < n; ++c) {
              const double v = p[row * n + c];
              s[c] += v;
              s[n + c] += v * v;
            }
          });
      REQUIRE(sums.size() == expected.size());
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        wrong += !(std::abs(sums[i] - expected[i]) <= 1e-13L * magnitude[i]);
      }
      CHECK(wrong == 0);
      if (threads == 1) first = sums;
      CHECK(sums == first);
    }
    set_num_threads(0);
  }
}

TEST_CASE("rows, chunks and sums of nothing") {
  CHECK(rows_of(Tensor::zeros({2, 3, 5})) == 6);
  CHECK(rows_of(Tensor::zeros({0, 5})) == 0);
  CHECK(rows_of(Tensor::zeros({5, 0})) == 5);
  CHECK(row_grain(0, 0) == 16385);
  CHECK(row_grain(1000, 33) == 497);
  CHECK(row_grain(3, 100000) == 1);
  CHECK(row_grain(1 << 20, 1000) == 1 << 14);  // at most 64 chunks
  Tensor gradient = Tensor::full({2}, 1);
  const double sums[] = {0.5, -3};
  add_sums<float>(&gradient, sums);
  add_sums<float>(nullptr, sums);
  CHECK(gradient.values<float>() == std::vector<float>{1.5f, -2});
}

TEST_CASE("sum and mean of several chunks") {
  const Tensor x = random_tensor(kShape, 2), dy = Tensor::full({1}, -1.5, DType::f64);
  for (const bool divide : {false, true}) {
    const double n = divide ? static_cast<double>(x.numel()) : 1;
    check_large(
        divide ? "mean" : "sum", [&](const auto& in) { return divide ? mean(in[0]) : sum(in[0]); }, {x}, dy,
        [&](const Inputs& in, const Tensor& g) {
          double s = 0;
          for (const double v : in[0].values<double>()) s += v;
          return Results{Tensor::full({1}, s / n, DType::f64),
                         Tensor::full(kShape, g.item() / n, DType::f64)};
        });
  }
}

TEST_CASE("prelu and bias of several chunks") {
  check_large(
      "prelu", [](const auto& in) { return prelu(in[0], in[1]); },
      {random_tensor(kShape, 3), Tensor::full({1}, 0.25, DType::f64)}, random_tensor(kShape, 4),
      [](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, kShape);
        const double *x = in[0].data<double>(), slope = in[1].item(), *dy = g.data<double>();
        for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
          out[0].data<double>()[i] = std::max(x[i], 0.0) + slope * std::min(x[i], 0.0);
          out[1].data<double>()[i] = x[i] > 0 ? dy[i] : dy[i] * slope;
          out[2].data<double>()[0] += dy[i] * std::min(x[i], 0.0);
        }
        return out;
      });
  check_large(
      "bias", [](const auto& in) { return bias(in[0], in[1]); },
      {random_tensor(kShape, 5), random_tensor({kChannels}, 6)}, random_tensor(kShape, 7),
      [](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, kShape);
        for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
          out[0].data<double>()[i] = in[0].data<double>()[i] + in[1].data<double>()[i % kChannels];
          out[1].data<double>()[i] = g.data<double>()[i];
          out[2].data<double>()[i % kChannels] += g.data<double>()[i];
        }
        return out;
      });
}

TEST_CASE("dyt and derf of several chunks") {
  const Tensor alpha = Tensor::full({1}, 0.5, DType::f64), shift = Tensor::full({1}, -0.3, DType::f64);
  const Tensor x = random_tensor(kShape, 8, 2.0), gamma = random_tensor({kChannels}, 9),
               beta = random_tensor({kChannels}, 10);
  /// f, f', and where the inputs gamma and beta stand.
  const auto reference = [](double (*f)(double), double (*slope)(double), std::size_t at) {
    return [=](const Inputs& in, const Tensor& g) {
      Results out = zeros_for(in, kShape);
      const double a = in[1].item(), s = at == 3 ? in[2].item() : 0;
      for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
        const std::int64_t c = i % kChannels;
        const double v = in[0].data<double>()[i], dy = g.data<double>()[i], u = a * v + s;
        const double du = dy * in[at].data<double>()[c] * slope(u);
        out[0].data<double>()[i] = in[at].data<double>()[c] * f(u) + in[at + 1].data<double>()[c];
        out[1].data<double>()[i] = du * a;
        out[2].data<double>()[0] += du * v;
        if (at == 3) out[3].data<double>()[0] += du;
        out[at + 1].data<double>()[c] += dy * f(u);
        out[at + 2].data<double>()[c] += dy;
      }
      return out;
    };
  };
  check_large(
      "dyt", [](const auto& in) { return dyt(in[0], in[1], in[2], in[3]); }, {x, alpha, gamma, beta},
      random_tensor(kShape, 11),
      reference([](double u) { return std::tanh(u); }, [](double u) { return 1 / std::pow(std::cosh(u), 2); },
                2));
  check_large(
      "derf", [](const auto& in) { return derf(in[0], in[1], in[2], in[3], in[4]); },
      {x, alpha, shift, gamma, beta}, random_tensor(kShape, 12),
      reference([](double u) { return 1 - std::erfc(u); },
                [](double u) { return std::exp(-u * u) * 1.1283791670955126; }, 3));
}

/// softmax of row r, by its definition.
std::vector<double> softmax_of(const Tensor& x, std::int64_t row) {
  std::vector<double> p(static_cast<std::size_t>(kChannels));
  const double* v = x.data<double>() + row * kChannels;
  double sum = 0;
  for (std::int64_t c = 0; c < kChannels; ++c) sum += p[static_cast<std::size_t>(c)] = std::exp(v[c]);
  for (double& q : p) q /= sum;
  return p;
}

TEST_CASE("softmax and cross entropy of several chunks") {
  check_large(
      "softmax", [](const auto& in) { return softmax(in[0]); }, {random_tensor(kShape, 13, 2.0)},
      random_tensor(kShape, 14),
      [](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, kShape);
        for (std::int64_t row = 0; row < kRows; ++row) {
          const auto p = softmax_of(in[0], row);
          const double* dy = g.data<double>() + row * kChannels;
          for (std::int64_t c = 0; c < kChannels; ++c) {
            const double pc = p[static_cast<std::size_t>(c)];
            double& dx = out[1].data<double>()[row * kChannels + c];
            out[0].data<double>()[row * kChannels + c] = pc;
            for (std::int64_t k = 0; k < kChannels; ++k) {  // the Jacobian, term by term
              dx += dy[k] * p[static_cast<std::size_t>(k)] * ((k == c) - pc);
            }
          }
        }
        return out;
      });
  const Tensor targets = random_tensor(kShape, 15).to(DType::f32).to(DType::f64);
  check_large(
      "cross_entropy",
      [&](const auto& in) { return cross_entropy(in[0], targets.to(in[0].value().dtype())); },
      {random_tensor(kShape, 16, 2.0)}, Tensor::full({1}, 700, DType::f64),
      [&](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, {1});
        const double scale = g.item() / kRows;
        for (std::int64_t row = 0; row < kRows; ++row) {
          const auto p = softmax_of(in[0], row);
          double* dx = out[1].data<double>() + row * kChannels;
          for (std::int64_t k = 0; k < kChannels; ++k) {
            const double t = targets.data<double>()[row * kChannels + k];
            out[0].data<double>()[0] -= t * std::log(p[static_cast<std::size_t>(k)]) / kRows;
            for (std::int64_t c = 0; c < kChannels; ++c) {
              dx[c] += scale * t * (p[static_cast<std::size_t>(c)] - (k == c));
            }
          }
        }
        return out;
      });
}

TEST_CASE("a row of softmax agrees with std::exp in double, from the largest float down to -inf") {
  double worst = 0;
  for (std::int64_t i = 0; i <= 1'000'000; ++i) {
    const float x = -87.0f * static_cast<float>(i) / 1e6f;
    worst = std::max(worst, std::abs(bounded_exp(x) / std::exp(static_cast<double>(x)) - 1));
  }
  CHECK(worst < 2e-7);
  CHECK(bounded_exp(0.0f) == 1.0f);
  for (const std::int64_t n : {1, 3, 65, 1000}) {
    std::vector<float> x(static_cast<std::size_t>(n)), y(x.size());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = 3e38f - static_cast<float>(i % 7) * 2e31f;  // neighbouring floats: differences of 0 and of 2e31
      sum += x[i] == 3e38f ? 1 : 0;
    }
    softmax_row(y.data(), x.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(std::abs(y[i] - (x[i] == 3e38f ? 1 / sum : 0)) < 1e-7);
    }
  }
  std::vector<float> masked = {-std::numeric_limits<float>::infinity(), 0, std::log(3.0f)};
  CHECK(softmax_row(masked.data(), masked.data(), 3) == Approx(std::log(4.0)));
  CHECK(masked[0] == 0);
  CHECK(masked[2] == Approx(0.75));
  for (const std::size_t at : {0, 1, 64}) {
    std::vector<float> row(65, -1.0f);
    row[at] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(softmax_row(row.data(), row.data(), 65)));
    CHECK(std::ranges::all_of(row, [](float p) { return std::isnan(p); }));
  }
}

TEST_CASE("elementwise ops of several chunks reach every element") {
  check_large(
      "mul, swish, scale", [](const auto& in) { return scale(mul(swish(in[0]), in[1]), -2); },
      {random_tensor(kShape, 17, 2.0), random_tensor(kShape, 18)}, random_tensor(kShape, 19),
      [](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, kShape);
        for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
          const double x = in[0].data<double>()[i], b = in[1].data<double>()[i], dy = g.data<double>()[i];
          const double s = 0.5 + 0.5 * std::tanh(0.5 * x);
          out[0].data<double>()[i] = -2 * x * s * b;
          out[1].data<double>()[i] = -2 * dy * b * (s + x * s * (1 - s));
          out[2].data<double>()[i] = -2 * dy * x * s;
        }
        return out;
      });
}

TEST_CASE("bce_with_logits of several chunks") {
  const Tensor targets = random_tensor(kShape, 25).to(DType::f32).to(DType::f64);
  check_large(
      "bce_with_logits",
      [&](const auto& in) { return bce_with_logits(in[0], targets.to(in[0].value().dtype())); },
      {random_tensor(kShape, 26, 2.0)}, Tensor::full({1}, 40000, DType::f64),
      [&](const Inputs& in, const Tensor& g) {
        Results out = zeros_for(in, {1});
        const double n = kRows * kChannels;
        for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
          const double x = in[0].data<double>()[i], t = targets.data<double>()[i];
          *out[0].data<double>() +=
              (t * std::log(1 + std::exp(-x)) + (1 - t) * std::log(1 + std::exp(x))) / n;
          out[1].data<double>()[i] = g.item() / n * (1 / (1 + std::exp(-x)) - t);
        }
        return out;
      });
}

}  // namespace
}  // namespace salu::test
