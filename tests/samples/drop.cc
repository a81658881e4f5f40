// SPDX-License-Identifier: MIT
#include "core/ops/drop.h"

#include <cmath>

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

constexpr RandomKey kDropoutKey{77, Purpose::dropout, 3, 5};

/// Straight from the generator: number i of the stream decides on element i.
Tensor dropout_oracle(const Tensor& x, double p) {
  Tensor y = Tensor::zeros(x.shape(), DType::f64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const PhiloxBlock block =
        philox4x32({static_cast<std::uint32_t>(i / 4), kDropoutKey.index, kDropoutKey.time, 5}, 77, 0);
    const double u = (block[static_cast<std::size_t>(i % 4)] >> 8) / 16777216.0;
    if (u >= p) y.data<double>()[i] = x.data<double>()[i] / (1 - p);
  }
  return y;
}

OpEntry dropout_entry() {
  OpEntry entry{"dropout", {}, {}};
  for (const std::int64_t n : kAwkwardSizes) {
    entry.samples.push_back({.label = fmt::format("({}), p 0.3", n),
                             .inputs = {random_tensor({n}, 1)},
                             .function = [](const auto& in) { return dropout(in[0], 0.3, kDropoutKey); },
                             .oracle = [](const auto& in) { return dropout_oracle(in[0], 0.3); }});
  }
  entry.samples.push_back({.label = "(2,3,5,3), p 0.9",
                           .inputs = {random_tensor({2, 3, 5, 3}, 2)},
                           .function = [](const auto& in) { return dropout(in[0], 0.9, kDropoutKey); },
                           .oracle = [](const auto& in) { return dropout_oracle(in[0], 0.9); }});
  for (const double p : {1.0, -0.1, std::nan("")}) {
    entry.bad_calls.push_back({fmt::format("p {}", p),
                               [p] { dropout_forward(Tensor::zeros({2}), p, kDropoutKey); },
                               fmt::format("[dropout] expected p in [0,1), got {}", p)});
  }
  return entry;
}

constexpr RandomKey kDropPathKey{78, Purpose::drop_path, 3, 5};

/// Straight from the generator: number b of the stream decides on sample b.
Tensor drop_path_oracle(const Tensor& x, double p) {
  Tensor y = Tensor::zeros(x.shape(), DType::f64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t b = i / (x.numel() / x.dim(0));
    const PhiloxBlock block =
        philox4x32({static_cast<std::uint32_t>(b / 4), kDropPathKey.index, kDropPathKey.time, 6}, 78, 0);
    const double u = (block[static_cast<std::size_t>(b % 4)] >> 8) / 16777216.0;
    if (u >= p) y.data<double>()[i] = x.data<double>()[i] / (1 - p);
  }
  return y;
}

OpEntry drop_path_entry() {
  OpEntry entry{"drop_path", {}, {}};
  for (const Shape& shape :
       {Shape{0, 3}, Shape{5, 0}, Shape{1}, Shape{9, 3}, Shape{31, 3}, Shape{5, 2, 3, 2}}) {
    entry.samples.push_back({.label = shape.str() + ", p 0.4",
                             .inputs = {random_tensor(shape, 1)},
                             .function = [](const auto& in) { return drop_path(in[0], 0.4, kDropPathKey); },
                             .oracle = [](const auto& in) { return drop_path_oracle(in[0], 0.4); }});
  }
  for (const double p : {1.0, -0.1, std::nan("")}) {
    entry.bad_calls.push_back({fmt::format("p {}", p),
                               [p] { drop_path_forward(Tensor::zeros({2}), p, kDropPathKey); },
                               fmt::format("[drop_path] expected p in [0,1), got {}", p)});
  }
  entry.bad_calls.push_back({"no first dimension",
                             [] { drop_path_forward(Tensor::zeros({}), 0.5, kDropPathKey); },
                             "[drop_path] expected rank >= 1, got ()"});
  return entry;
}

}  // namespace

std::vector<OpEntry> drop_entries() { return {dropout_entry(), drop_path_entry()}; }

}  // namespace salu::test
