// SPDX-License-Identifier: MIT
#include "core/ops/squash.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor dyt_oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), alpha = in[1].item(), *gamma = in[2].data<double>(),
               *beta = in[3].data<double>();
  const std::int64_t channels = in[0].dim(-1);
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    y.data<double>()[i] = gamma[i % channels] * std::tanh(alpha * x[i]) + beta[i % channels];
  }
  return y;
}

OpEntry dyt_entry() {
  OpEntry entry{"dyt", {}, {}, {1, 2, 3}};
  const auto sample = [](const char* label, Shape shape, double sigma, std::vector<std::size_t> constant) {
    const Shape channels{shape[-1]};
    return OpSample{.label = label,
                    .inputs = {random_tensor(shape, 1, sigma), Tensor::full({1}, 0.5, DType::f64),
                               random_tensor(channels, 2), random_tensor(channels, 3)},
                    .function = [](const auto& in) { return dyt(in[0], in[1], in[2], in[3]); },
                    .oracle = dyt_oracle,
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
  entry.bad_calls.push_back({"alpha per channel",
                             [=] {
                               squash_forward(dyt_kernels, x, {c, {}, c, c});
                             },
                             "[dyt] expected alpha of shape (1), got (3)"});
  entry.bad_calls.push_back({"gamma of the rows",
                             [=] {
                               squash_forward(dyt_kernels, x, {one, {}, Tensor::zeros({2}), c});
                             },
                             "[dyt] expected gamma of shape (3), got (2)"});
  entry.bad_calls.push_back({"beta of rank 0",
                             [=] {
                               squash_forward(dyt_kernels, x, {one, {}, c, Tensor::zeros({})});
                             },
                             "[dyt] expected beta of shape (3), got ()"});
  entry.bad_calls.push_back({"gradient of another shape",
                             [=] {
                               squash_backward(dyt_kernels, c, x, {one, {}, c, c}, {});
                             },
                             "[dyt] expected shape (2,3), got (3)"});
  return entry;
}

Tensor derf_oracle(const std::vector<Tensor>& in) {
  const double *x = in[0].data<double>(), alpha = in[1].item(), shift = in[2].item(),
               *gamma = in[3].data<double>(), *beta = in[4].data<double>();
  const std::int64_t channels = in[0].dim(-1);
  Tensor y = Tensor::empty(in[0].shape(), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    y.data<double>()[i] = gamma[i % channels] * std::erf(alpha * x[i] + shift) + beta[i % channels];
  }
  return y;
}

OpEntry derf_entry() {
  OpEntry entry{"derf", {}, {}, {1, 2, 3, 4}};
  const auto sample = [](const char* label, Shape shape, double sigma, std::vector<std::size_t> constant) {
    const Shape channels{shape[-1]};
    return OpSample{.label = label,
                    .inputs = {random_tensor(shape, 1, sigma), Tensor::full({1}, 0.5, DType::f64),
                               Tensor::full({1}, -0.3, DType::f64), random_tensor(channels, 2),
                               random_tensor(channels, 3)},
                    .function = [](const auto& in) { return derf(in[0], in[1], in[2], in[3], in[4]); },
                    .oracle = derf_oracle,
                    .constant = std::move(constant)};
  };
  entry.samples = {sample("(0,3)", {0, 3}, 1, {}),
                   sample("(5,0)", {5, 0}, 1, {}),
                   sample("(1)", {1}, 1, {}),
                   sample("(31,3)", {31, 3}, 1, {}),
                   sample("(3,33)", {3, 33}, 2, {}),
                   sample("(2,3,2,5): saturated", {2, 3, 2, 5}, 20, {}),
                   sample("(7,3): alpha and gamma take no gradient", {7, 3}, 1, {1, 3}),
                   sample("(7,3): shift and beta take no gradient", {7, 3}, 1, {2, 4})};
  entry.large = {sample("(613,72)", {613, 72}, 1, {})};
  const Tensor x = Tensor::zeros({2, 3}), one = Tensor::zeros({1}), c = Tensor::zeros({3});
  entry.bad_calls.push_back({"alpha per channel",
                             [=] {
                               squash_forward(derf_kernels, x, {c, one, c, c});
                             },
                             "[derf] expected alpha of shape (1), got (3)"});
  entry.bad_calls.push_back({"shift per channel",
                             [=] {
                               squash_forward(derf_kernels, x, {one, c, c, c});
                             },
                             "[derf] expected shift of shape (1), got (3)"});
  entry.bad_calls.push_back({"gamma of the rows",
                             [=] {
                               squash_forward(derf_kernels, x, {one, one, Tensor::zeros({2}), c});
                             },
                             "[derf] expected gamma of shape (3), got (2)"});
  entry.bad_calls.push_back({"beta of rank 0",
                             [=] {
                               squash_forward(derf_kernels, x, {one, one, c, Tensor::zeros({})});
                             },
                             "[derf] expected beta of shape (3), got ()"});
  entry.bad_calls.push_back({"gradient of another shape",
                             [=] {
                               squash_backward(derf_kernels, c, x, {one, one, c, c}, {});
                             },
                             "[derf] expected shape (2,3), got (3)"});
  return entry;
}

}  // namespace

std::vector<OpEntry> squash_entries() { return {dyt_entry(), derf_entry()}; }

}  // namespace salu::test
