// SPDX-License-Identifier: MIT
#include "core/ops/dyt.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), alpha = in[1].item(), *gamma = in[2].data<double>(),
               *beta = in[3].data<double>();
  const std::int64_t channels = in[0].dim(-1);
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    y.data<double>()[i] = gamma[i % channels] * std::tanh(alpha * x[i]) + beta[i % channels];
  }
  return y;
}

}  // namespace

OpEntry dyt_entry() {
  OpEntry entry{"dyt", {}, {}, {1, 2, 3}};
  const auto sample = [](const char* label, Shape shape, double sigma, std::vector<std::size_t> constant) {
    const Shape channels{shape[-1]};
    return OpSample{.label = label,
                    .inputs = {random_tensor(shape, 1, sigma), Tensor::full({1}, 0.5, DType::f64),
                               random_tensor(channels, 2), random_tensor(channels, 3)},
                    .function = [](const auto& in) { return dyt(in[0], in[1], in[2], in[3]); },
                    .oracle = oracle,
                    .constant = std::move(constant)};
  };
  entry.samples = {sample("(0,3)", {0, 3}, 1, {}),
                   sample("(5,0)", {5, 0}, 1, {}),
                   sample("(1)", {1}, 1, {}),
                   sample("(31,3)", {31, 3}, 1, {}),
                   sample("(3,33)", {3, 33}, 2, {}),
                   sample("(2,3,2,5): saturated", {2, 3, 2, 5}, 20, {}),
                   sample("(7,3): only x takes a gradient", {7, 3}, 1, {1, 2, 3})};
  entry.large = {sample("(613,72)", {613, 72}, 1, {})};
  const Tensor x = Tensor::zeros({2, 3}), one = Tensor::zeros({1}), c = Tensor::zeros({3});
  entry.bad_calls.push_back(
      {"alpha per channel", [=] { dyt_forward(x, c, c, c); }, "[dyt] expected alpha of shape (1), got (3)"});
  entry.bad_calls.push_back({"gamma of the rows", [=] { dyt_forward(x, one, Tensor::zeros({2}), c); },
                             "[dyt] expected gamma of shape (3), got (2)"});
  entry.bad_calls.push_back({"beta of rank 0", [=] { dyt_forward(x, one, c, Tensor::zeros({})); },
                             "[dyt] expected beta of shape (3), got ()"});
  entry.bad_calls.push_back({"gradient of another shape", [=] { dyt_backward(c, x, one, c, {}); },
                             "[dyt] expected shape (2,3), got (3)"});
  return entry;
}

}  // namespace salu::test
