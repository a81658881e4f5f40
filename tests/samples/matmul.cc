// SPDX-License-Identifier: MIT
#include "core/ops/matmul.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
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

}  // namespace

OpEntry matmul_entry() {
  OpEntry entry{"matmul", {}, {}};
  const std::int64_t sizes[][3] = {{3, 5, 2}, {1, 7, 1}, {17, 3, 9}, {0, 4, 3}, {4, 0, 3}, {5, 2, 0}};
  for (const auto [m, k, n] : sizes) {
    entry.samples.push_back({.label = fmt::format("({},{}) x ({},{})", m, k, k, n),
                             .inputs = {random_tensor({m, k}, 1), random_tensor({k, n}, 2)},
                             .function = [](const auto& in) { return matmul(in[0], in[1]); },
                             .oracle = oracle,
                             .has_sum = true});
  }
  entry.samples.push_back({.label = "a a: two paths to one input",
                           .inputs = {random_tensor({6, 6}, 3)},
                           .function = [](const auto& in) { return matmul(in[0], in[0]); },
                           .oracle =
                               [](const auto& in) {
                                 return oracle({in[0], in[0]});
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

}  // namespace salu::test
