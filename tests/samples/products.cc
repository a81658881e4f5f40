// SPDX-License-Identifier: MIT
#include "core/ops/products.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor matmul_oracle(const std::vector<Tensor>& in) {
  const std::int64_t m = in[0].dim(0), k = in[0].dim(1), n = in[1].dim(1);
  Tensor y = Tensor::zeros({m, n}, DType::f64);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t p = 0; p < k; ++p) {
      for (std::int64_t j = 0; j < n; ++j) {
        y.data<double>()[i * n + j] += in[0].data<double>()[i * k + p] * in[1].data<double>()[p * n + j];
      }
    }
  }
  return y;
}

OpEntry matmul_entry() {
  OpEntry entry{"matmul", {}, {}};
  const std::int64_t sizes[][3] = {{3, 5, 2}, {1, 7, 1}, {17, 3, 9}, {0, 4, 3}, {4, 0, 3}, {5, 2, 0}};
  for (const auto [m, k, n] : sizes) {
    entry.samples.push_back({.label = fmt::format("({},{}) x ({},{})", m, k, k, n),
                             .inputs = {random_tensor({m, k}, 1), random_tensor({k, n}, 2)},
                             .function = [](const auto& in) { return matmul(in[0], in[1]); },
                             .oracle = matmul_oracle,
                             .has_sum = true});
  }
  entry.samples.push_back({.label = "a a: two paths to one input",
                           .inputs = {random_tensor({6, 6}, 3)},
                           .function = [](const auto& in) { return matmul(in[0], in[0]); },
                           .oracle =
                               [](const auto& in) {
                                 return matmul_oracle({in[0], in[0]});
                               },
                           .has_sum = true});
  entry.bad_calls = {
      {"inner sizes",
       [] {
         matmul_forward(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}));
       },
       "[matmul] expected (M,K) and (K,N), got (2,3) and (2,3)"},
      {"rank",
       [] {
         matmul_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}));
       },
       "[matmul] expected (M,K) and (K,N), got (2,3) and (3)"},
      {"dtype",
       [] {
         matmul_forward(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}, DType::f64));
       },
       "[matmul] expected f32 on cpu, got f64 on cpu"},
      {"integers",
       [] {
         matmul_forward(Tensor::zeros({2, 3}, DType::i32), Tensor::zeros({3, 2}, DType::i32));
       },
       "[matmul] expected dtype f32 or f64, got i32"},
      {"gradient of another shape",
       [] {
         matmul_backward_a(Tensor::zeros({2, 3}), Tensor::zeros({3, 4}));
       },
       "[matmul] expected"},
  };
  return entry;
}

/// in: x (...,C), w (N,C) and perhaps b (N).
Tensor linear_oracle(const std::vector<Tensor>& in) {
  const std::int64_t n = in[1].dim(0), c = in[1].dim(1);
  Tensor y = Tensor::empty(in[0].shape().with(-1, n), DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    double sum = in.size() > 2 ? in[2].data<double>()[i % n] : 0.0;
    for (std::int64_t p = 0; p < c; ++p) {
      sum += in[0].data<double>()[i / n * c + p] * in[1].data<double>()[i % n * c + p];
    }
    y.data<double>()[i] = sum;
  }
  return y;
}

OpSample sample(Shape x, std::int64_t n, bool with_bias) {
  const std::int64_t c = x[-1];
  OpSample s{
      .label = fmt::format("{} -> {}{}", x.str(), n, with_bias ? " with bias" : ""),
      .inputs = {random_tensor(x, 1), random_tensor({n, c}, 2)},
      .function = [](const auto& in) { return linear(in[0], in[1], in.size() > 2 ? in[2] : Variable()); },
      .oracle = linear_oracle,
      .has_sum = true};
  if (with_bias) s.inputs.push_back(random_tensor({n}, 3));
  return s;
}

Tensor no_bias() { return {}; }

OpEntry linear_entry() {
  OpEntry entry{"linear", {}, {}, {2}};
  entry.samples = {sample({3, 5}, 7, false),   sample({3, 5}, 7, true),        sample({9}, 4, true),
                   sample({2, 3, 5}, 3, true), sample({2, 1, 3, 4}, 5, false), sample({0, 4}, 3, true),
                   sample({35, 3}, 1, true)};
  entry.bad_calls = {
      {"channels",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 4}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C), got x (2,3) and w (5,4)"},
      {"rank of w",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C), got x (2,3) and w (3)"},
      {"scalar x",
       [] {
         linear_forward(Tensor::zeros({}), Tensor::zeros({5, 4}), no_bias());
       },
       "[linear] expected x (...,C) for w (N,C)"},
      {"bias",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}), Tensor::zeros({3}));
       },
       "[linear] expected b of shape (5), got (3)"},
      {"dtype of w",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}, DType::f64), no_bias());
       },
       "[linear] expected w f32 on cpu, got f64 on cpu"},
      {"dtype of b",
       [] {
         linear_forward(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}), Tensor::zeros({5}, DType::f64));
       },
       "[linear] expected b f32, got f64"},
      {"dtype of the gradient of w",
       [] {
         Tensor dw = Tensor::zeros({5, 3}, DType::bf16);
         linear_backward_weight(Tensor::zeros({2, 5}, DType::bf16), Tensor::zeros({2, 3}, DType::bf16), dw);
       },
       "[linear] expected dw f32, got bf16"},
      {"dtype of the gradient of b",
       [] {
         Tensor db = Tensor::zeros({5}, DType::f64);
         linear_backward_bias(Tensor::zeros({2, 5}), db);
       },
       "[linear] expected db f32, got f64"},
      {"gradient",
       [] {
         linear_backward_input(Tensor::zeros({2, 3}), Tensor::zeros({5, 3}));
       },
       "[linear] expected dy (...,N) for w (N,C), got dy (2,3) and w (5,3)"},
  };
  return entry;
}

}  // namespace

std::vector<OpEntry> products_entries() { return {matmul_entry(), linear_entry()}; }

}  // namespace salu::test
