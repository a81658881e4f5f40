// SPDX-License-Identifier: MIT
#include "core/ops/select_token.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

OpSample sample(Shape shape, std::int64_t index) {
  return {.label = fmt::format("{} token {}", shape.str(), index),
          .inputs = {random_tensor(shape, 1)},
          .function = [=](const auto& in) { return select_token(in[0], index); },
          .oracle =
              [=](const auto& in) {
                Tensor y = Tensor::empty({shape[0], shape[2]}, DType::f64);
                for (std::int64_t i = 0; i < y.numel(); ++i) {
                  const std::int64_t b = i / shape[2], k = i % shape[2];
                  y.data<double>()[i] =
                      in[0].template data<double>()[b * shape[1] * shape[2] + index * shape[2] + k];
                }
                return y;
              }};
}

}  // namespace

OpEntry select_token_entry() {
  OpEntry entry{"select_token", {}, {}};
  entry.samples = {sample({3, 4, 5}, 0), sample({3, 4, 5}, 3), sample({1, 1, 7}, 0), sample({0, 2, 3}, 1)};
  entry.bad_calls = {
      {"index",
       [] {
         select_token_forward(Tensor::zeros({2, 3, 4}), 3);
       },
       "[select_token] expected x (B,T,D) with T > index 3 >= 0, got (2,3,4)"},
      {"negative index",
       [] {
         select_token_forward(Tensor::zeros({2, 3, 4}), -1);
       },
       "index -1 >= 0"},
      {"rank",
       [] {
         select_token_forward(Tensor::zeros({2, 3}), 0);
       },
       "[select_token] expected x (B,T,D)"},
      {"gradient",
       [] {
         select_token_backward(Tensor::zeros({2, 3}), {2, 3, 4}, 0);
       },
       "[select_token] expected dy of shape (2,4), got (2,3)"},
  };
  return entry;
}

}  // namespace salu::test
