// SPDX-License-Identifier: MIT
/// Products, normalization, pooling and token ops on shapes that fill several chunks, and by closed forms.
#include <cmath>
#include <limits>
#include <numeric>

#include "autograd/functions.h"
#include "core/ops/activations.h"
#include "core/ops/pooling.h"
#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr double kEps = 1e-5;

struct Case {
  const char* label;
  std::vector<Tensor> inputs;  // f64; the first has the batch as first dimension, the others are parameters
  std::function<Variable(const std::vector<Variable>&)> function;
};

/// Batch norm alone joins the samples of a batch; it has tests of its own below.
Variable batch_norm_training(const std::vector<Variable>& in) {
  const Tensor& gamma = in[1].value();
  return batch_norm(in[0], in[1], in[2], Tensor::zeros(gamma.shape(), gamma.dtype()),
                    Tensor::full(gamma.shape(), 1.0, gamma.dtype()), true, 0.1, kEps);
}

Case batch_norm_case() {
  return {"batch_norm",
          {random_tensor({9, 21, 17, 24}, 1, 3.0), random_tensor({24}, 2), random_tensor({24}, 3)},
          batch_norm_training};
}

std::vector<Case> batchwise_cases() {
  const auto r = [](Shape shape, std::uint32_t tag) { return random_tensor(shape, tag); };
  return {
      {"linear",
       {r({65, 33, 24}, 1), r({81, 24}, 2), r({81}, 3)},
       [](const auto& in) { return linear(in[0], in[1], in[2]); }},
      {"linear, many outputs",
       {r({250, 2, 70}, 1), r({301, 70}, 2)},
       [](const auto& in) { return linear(in[0], in[1], Variable()); }},
      {"layer_norm",
       {r({250, 6, 65}, 1), r({65}, 2), r({65}, 3)},
       [](const auto& in) { return layer_norm(in[0], in[1], in[2], kEps); }},
      {"group_norm",
       {r({13, 15, 13, 20}, 1), r({20}, 2), r({20}, 3)},
       [](const auto& in) { return group_norm(in[0], in[1], in[2], 5, kEps); }},
      {"max_pool2d",
       {r({9, 20, 19, 24}, 1)},
       [](const auto& in) {
         return max_pool2d(in[0], {3, 2, 1});
       }},
      {"avg_pool2d",
       {r({9, 20, 19, 24}, 1)},
       [](const auto& in) {
         return avg_pool2d(in[0], {3, 2, 1});
       }},
      {"global_avg_pool", {r({31, 31, 29, 12}, 1)}, [](const auto& in) { return global_avg_pool(in[0]); }},
      {"attention", {r({7, 41, 3 * 48}, 1)}, [](const auto& in) { return attention(in[0], 3, 0.25); }},
      {"patchify", {r({41, 16, 20, 3}, 1)}, [](const auto& in) { return patchify(in[0], 4); }},
      {"embed_tokens",
       {r({301, 10, 20}, 1), r({20}, 2), r({11, 20}, 3)},
       [](const auto& in) { return embed_tokens(in[0], in[1], in[2]); }},
      {"select_token", {r({301, 10, 20}, 1)}, [](const auto& in) { return select_token(in[0], 7); }},
  };
}

struct Result {
  Tensor y;
  std::vector<Tensor> gradients;
};

Result run(const Case& c, const std::vector<Tensor>& inputs, const Tensor& upstream, DType dtype) {
  std::vector<Variable> variables;
  for (const Tensor& t : inputs) variables.emplace_back(t.to(dtype), true);
  const Variable y = c.function(variables);
  backward(y, upstream.to(dtype));
  Result result{y.value(), {}};
  for (const Variable& v : variables) result.gradients.push_back(v.grad());
  return result;
}

Tensor upstream_of(const Case& c) {
  const NoGrad guard;
  std::vector<Variable> variables;
  for (const Tensor& t : c.inputs) variables.emplace_back(t);
  return random_tensor(c.function(variables).shape(), 9);
}

TEST_CASE("a batch gives what its samples give one by one, and sums their parameter gradients") {
  for (const Case& c : batchwise_cases()) {
    INFO(c.label);
    const Tensor upstream = upstream_of(c);
    const Result whole = run(c, c.inputs, upstream, DType::f64);
    std::vector<Tensor> sums;
    for (std::size_t i = 1; i < c.inputs.size(); ++i)
      sums.push_back(Tensor::zeros(c.inputs[i].shape(), DType::f64));
    std::string y_differs, dx_differs;
    for (std::int64_t n = 0; n < c.inputs[0].dim(0); ++n) {
      std::vector<Tensor> inputs = c.inputs;
      inputs[0] = inputs[0].slice(n, n + 1);
      const Result one = run(c, inputs, upstream.slice(n, n + 1), DType::f64);
      y_differs += compare(whole.y.slice(n, n + 1), one.y, elementwise_tolerance(DType::f64));
      dx_differs +=
          compare(whole.gradients[0].slice(n, n + 1), one.gradients[0], elementwise_tolerance(DType::f64));
      for (std::size_t i = 0; i < sums.size(); ++i) {
        for (std::int64_t k = 0; k < sums[i].numel(); ++k) {
          sums[i].data<double>()[k] += one.gradients[i + 1].data<double>()[k];
        }
      }
    }
    CHECK(y_differs == "");
    CHECK(dx_differs == "");
    for (std::size_t i = 0; i < sums.size(); ++i) {
      CHECK(compare(whole.gradients[i + 1], sums[i], sum_tolerance(DType::f64, sums[i])) == "");
    }
  }
}

TEST_CASE("several chunks: f32 agrees with f64, with the same bits for every number of threads") {
  std::vector<Case> cases = batchwise_cases();
  cases.push_back(batch_norm_case());
  cases.push_back({"matmul",
                   {random_tensor({301, 203}, 1), random_tensor({203, 150}, 2)},
                   [](const auto& in) { return matmul(in[0], in[1]); }});
  for (const Case& c : cases) {
    INFO(c.label);
    const Tensor upstream = upstream_of(c);
    const Result exact = run(c, c.inputs, upstream, DType::f64);
    set_num_threads(1);
    const Result first = run(c, c.inputs, upstream, DType::f32);
    CHECK(compare(first.y, exact.y, sum_tolerance(DType::f32, exact.y)) == "");
    for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
      INFO("gradient " << i);
      CHECK(compare(first.gradients[i], exact.gradients[i], sum_tolerance(DType::f32, exact.gradients[i])) ==
            "");
    }
    for (const int threads : {2, 3, 4}) {
      set_num_threads(threads);
      const Result again = run(c, c.inputs, upstream, DType::f32);
      CHECK(compare_bits(again.y, first.y) == "");
      for (std::size_t i = 0; i < first.gradients.size(); ++i) {
        CHECK(compare_bits(again.gradients[i], first.gradients[i]) == "");
      }
    }
    set_num_threads(0);
  }
}

TEST_CASE("matmul of several tasks agrees with plain loops") {
  const std::int64_t m = 301, k = 203, n = 150;
  const Tensor a = random_tensor({m, k}, 1), b = random_tensor({k, n}, 2), up = random_tensor({m, n}, 3);
  Tensor y = Tensor::zeros({m, n}, DType::f64), da = Tensor::zeros({m, k}, DType::f64),
         db = Tensor::zeros({k, n}, DType::f64);
  const double *ap = a.data<double>(), *bp = b.data<double>(), *dy = up.data<double>();
  double *yp = y.data<double>(), *dap = da.data<double>(), *dbp = db.data<double>();
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t p = 0; p < k; ++p) {
      for (std::int64_t j = 0; j < n; ++j) {
        yp[i * n + j] += ap[i * k + p] * bp[p * n + j];
        dap[i * k + p] += dy[i * n + j] * bp[p * n + j];
        dbp[p * n + j] += ap[i * k + p] * dy[i * n + j];
      }
    }
  }
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Variable av(a.to(dtype), true), bv(b.to(dtype), true), yv = matmul(av, bv);
    backward(yv, up.to(dtype));
    CHECK(compare(yv.value(), y, sum_tolerance(dtype, y)) == "");
    CHECK(compare(av.grad(), da, sum_tolerance(dtype, da)) == "");
    CHECK(compare(bv.grad(), db, sum_tolerance(dtype, db)) == "");
  }
}

TEST_CASE("batch_norm of several chunks agrees with plain loops, forward and backward") {
  const Case c = batch_norm_case();
  const Tensor upstream = upstream_of(c);
  const std::int64_t channels = 24, rows = c.inputs[0].numel() / channels;
  const double *x = c.inputs[0].data<double>(), *gamma = c.inputs[1].data<double>(),
               *dy = upstream.data<double>();
  Tensor y = Tensor::empty(upstream.shape(), DType::f64), dx = y.clone(),
         dgamma = Tensor::zeros({channels}, DType::f64), dbeta = dgamma.clone();
  const auto m = static_cast<double>(rows);
  for (std::int64_t k = 0; k < channels; ++k) {
    double mean = 0, variance = 0, sum = 0, sum_h = 0;
    for (std::int64_t i = k; i < y.numel(); i += channels) mean += x[i] / m;
    for (std::int64_t i = k; i < y.numel(); i += channels) variance += (x[i] - mean) * (x[i] - mean) / m;
    const double rstd = 1 / std::sqrt(variance + kEps);
    for (std::int64_t i = k; i < y.numel(); i += channels) {
      const double h = (x[i] - mean) * rstd;
      y.data<double>()[i] = gamma[k] * h + c.inputs[2].data<double>()[k];
      sum += dy[i];
      sum_h += dy[i] * h;
    }
    for (std::int64_t i = k; i < y.numel(); i += channels) {
      dx.data<double>()[i] = gamma[k] * rstd * (dy[i] - sum / m - (x[i] - mean) * rstd * sum_h / m);
    }
    dgamma.data<double>()[k] = sum_h;
    dbeta.data<double>()[k] = sum;
  }
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Result got = run(c, c.inputs, upstream, dtype);
    CHECK(compare(got.y, y, sum_tolerance(dtype, y)) == "");
    CHECK(compare(got.gradients[0], dx, sum_tolerance(dtype, dx)) == "");
    CHECK(compare(got.gradients[1], dgamma, sum_tolerance(dtype, dgamma)) == "");
    CHECK(compare(got.gradients[2], dbeta, sum_tolerance(dtype, dbeta)) == "");
  }
}

TEST_CASE("batch_norm: running statistics by closed form") {
  // Channel c holds (c+1) (1, 2, ..., n): mean (c+1) (n+1)/2, unbiased variance (c+1)^2 n (n+1)/12.
  const std::int64_t n = 4001, channels = 13;
  Tensor x = Tensor::empty({n, channels});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data<float>()[i] = static_cast<float>((i % channels + 1) * (i / channels + 1));
  }
  const Variable gamma(Tensor::full({channels}, 1.0)), beta(Tensor::zeros({channels}));
  Tensor mean = Tensor::zeros({channels}), var = Tensor::full({channels}, 1.0);
  for (int step = 0; step < 2; ++step) batch_norm(Variable(x), gamma, beta, mean, var, true, 0.1, kEps);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto k = static_cast<double>(c + 1), size = static_cast<double>(n);
    CHECK(mean.data<float>()[c] == Approx(0.19 * k * (size + 1) / 2).epsilon(1e-6));
    CHECK(var.data<float>()[c] == Approx(0.81 + 0.19 * k * k * size * (size + 1) / 12).epsilon(1e-6));
  }
  const Tensor before = mean.clone();
  const Variable y = batch_norm(Variable(x), gamma, beta, mean, var, false, 0.1, kEps);
  CHECK(compare_bits(mean, before) == "");
  const double want = (1.0 - mean.data<float>()[0]) / std::sqrt(var.data<float>()[0] + kEps);
  CHECK(y.value().data<float>()[0] == Approx(want).epsilon(1e-6));
}

TEST_CASE("batch_norm: a mean of 4096 costs no digits") {
  Tensor x = Tensor::empty({5000, 3});
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = i / 3 % 2 == 0 ? 4095.0f : 4097.0f;
  const Variable y =
      batch_norm_training({Variable(x), Variable(Tensor::full({3}, 1.0)), Variable(Tensor::zeros({3}))});
  const double h = 1 / std::sqrt(1 + kEps);
  for (std::int64_t i = 0; i < x.numel(); i += 997) {
    CHECK(y.value().data<float>()[i] == Approx(i / 3 % 2 == 0 ? -h : h).epsilon(1e-6));
  }
}

TEST_CASE("batch_norm refuses to train on one value per channel, and evaluates it") {
  Tensor mean = Tensor::zeros({2}), var = Tensor::full({2}, 1.0);
  const Variable x(Tensor::full({1, 1, 1, 2}, 3.0)), gamma(Tensor::full({2}, 1.0)), beta(Tensor::zeros({2}));
  CHECK(error_of([&] { batch_norm(x, gamma, beta, mean, var, true, 0.1, 0.0); }) ==
        "1: [batch_norm] expected more than 1 value per channel when training, got x (1,1,1,2)");
  CHECK(mean.data<float>()[0] == 0);
  CHECK(batch_norm(x, gamma, beta, mean, var, false, 0.1, 0.0).value().data<float>()[1] == 3);
}

TEST_CASE("normalization: parameters that take no gradient, and one that serves twice") {
  const Tensor x = random_tensor({4, 6}, 1), p = random_tensor({6}, 2), up = random_tensor({4, 6}, 3);
  const auto norms = {
      +[](const Variable& in, const Variable& g, const Variable& b) {
        return batch_norm_training({in, g, b});
      },
      +[](const Variable& in, const Variable& g, const Variable& b) { return layer_norm(in, g, b, kEps); },
      +[](const Variable& in, const Variable& g, const Variable& b) {
        return group_norm(in, g, b, 2, kEps);
      }};
  for (const auto norm : norms) {
    const Variable all(x, true), gamma(p, true), beta(p, true), only(x, true), twice(p, true);
    backward(norm(all, gamma, beta), up);
    backward(norm(only, Variable(p), Variable(p)), up);
    CHECK(compare_bits(only.grad(), all.grad()) == "");
    backward(norm(Variable(x), twice, twice), up);
    Tensor sum = gamma.grad().clone();
    for (std::int64_t c = 0; c < 6; ++c) sum.data<double>()[c] += beta.grad().data<double>()[c];
    CHECK(compare(twice.grad(), sum, elementwise_tolerance(DType::f64)) == "");
  }
}

TEST_CASE("max_pool2d: NaN wins, padding never does, of equal values the first takes the gradient") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  const auto pool = [](const std::vector<double>& x) {
    return max_pool2d_forward(Tensor::from<double>({1, 2, 1, 1}, x), {3, 1, 1});
  };
  for (const auto& x : {std::vector<double>{nan, 5}, {5, nan}, {nan, inf}, {inf, nan}}) {
    CHECK(std::isnan(pool(x).y.data<double>()[0]));
  }
  CHECK(pool({-8, -7}).y.data<double>()[0] == -7);
  CHECK(pool({-inf, -inf}).y.data<double>()[0] == -inf);
  const Variable x(Tensor::full({1, 2, 2, 1}, 4.0, DType::f64), true);
  backward(max_pool2d(x, {2, 2, 0}));
  CHECK(x.grad().values<double>() == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("avg_pool2d counts the padding") {
  const Variable y = avg_pool2d(Variable(Tensor::full({1, 3, 3, 1}, 9.0)), {3, 1, 1});
  CHECK(y.value().values<float>() == std::vector<float>{4, 6, 4, 6, 9, 6, 4, 6, 4});
}

TEST_CASE("gelu far out is a line, whose slope is 1 or 0") {
  const std::vector<float> x = {25, 1e10f, 1e19f, 1e30f, 3e38f}, ones(x.size(), 1);
  const auto n = static_cast<std::int64_t>(x.size());
  for (const ActivationKernels* f : {&gelu_kernels, &gelu_tanh_kernels}) {
    const Tensor right = Tensor::from<float>({n}, x), dy = Tensor::from<float>({n}, ones);
    CHECK(activation_forward(*f, right).values<float>() == x);
    CHECK(activation_backward(*f, dy, right).values<float>() == ones);
    Tensor left = Tensor::empty({n});
    for (std::int64_t i = 0; i < n; ++i) left.data<float>()[i] = -right.data<float>()[i];
    CHECK(activation_backward(*f, dy, left).values<float>() == std::vector<float>(x.size()));
    CHECK(std::isnan(activation_backward(*f, Tensor::from<float>({1}, {1}),
                                         Tensor::full({1}, std::numeric_limits<double>::quiet_NaN()))
                         .values<float>()[0]));
  }
}

TEST_CASE("attention with equal scores is the mean of the values") {
  const Tensor qkv = random_tensor({2, 9, 30}, 1);
  Tensor want = Tensor::zeros({2, 9, 10}, DType::f64);
  for (std::int64_t i = 0; i < want.numel(); ++i) {
    for (std::int64_t t = 0; t < 9; ++t) {
      want.data<double>()[i] += qkv.data<double>()[(i / 90 * 9 + t) * 30 + 20 + i % 10] / 9;
    }
  }
  CHECK(compare(attention(Variable(qkv), 5, 0.0).value(), want, elementwise_tolerance(DType::f64)) == "");
}

}  // namespace
}  // namespace salu::test
