// SPDX-License-Identifier: MIT
#include "core/ops/tokens.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// Pixel by pixel: the token and the place in it of (row, column, channel).
Tensor patchify_oracle(const Tensor& x, std::int64_t p) {
  const std::int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  Tensor y = Tensor::empty({n, (h / p) * (w / p), p * p * c}, DType::f64);
  std::int64_t i = 0;
  for (std::int64_t b = 0; b < n; ++b) {
    for (std::int64_t row = 0; row < h; ++row) {
      for (std::int64_t column = 0; column < w; ++column) {
        for (std::int64_t k = 0; k < c; ++k) {
          const std::int64_t token = (row / p) * (w / p) + column / p;
          const std::int64_t place = ((row % p) * p + column % p) * c + k;
          y.data<double>()[(b * y.dim(1) + token) * y.dim(2) + place] = x.data<double>()[i++];
        }
      }
    }
  }
  return y;
}

OpSample patchify_sample(Shape shape, std::int64_t patch) {
  return {.label = fmt::format("{} patch {}", shape.str(), patch),
          .inputs = {random_tensor(shape, 1)},
          .function = [=](const auto& in) { return patchify(in[0], patch); },
          .oracle = [=](const auto& in) { return patchify_oracle(in[0], patch); }};
}

OpEntry patchify_entry() {
  OpEntry entry{"patchify", {}, {}};
  entry.samples = {patchify_sample({2, 4, 6, 1}, 2), patchify_sample({1, 6, 3, 5}, 3),
                   patchify_sample({1, 2, 3, 7}, 1), patchify_sample({0, 4, 4, 3}, 2),
                   patchify_sample({1, 5, 5, 3}, 5)};
  entry.bad_calls = {
      {"patch that does not divide",
       [] {
         patchify_forward(Tensor::zeros({1, 6, 8, 3}), 4);
       },
       "[patchify] expected x (N,H,W,C) with H and W divisible by the patch size 4, got (1,6,8,3)"},
      {"patch 0",
       [] {
         patchify_forward(Tensor::zeros({1, 6, 8, 3}), 0);
       },
       "divisible by the patch size 0"},
      {"rank",
       [] {
         patchify_forward(Tensor::zeros({6, 8, 3}), 2);
       },
       "[patchify] expected x (N,H,W,C)"},
      {"gradient",
       [] {
         patchify_backward(Tensor::zeros({1, 4, 12}), {1, 4, 6, 3}, 2);
       },
       "[patchify] expected dy of shape (1,6,12), got (1,4,12)"},
  };
  return entry;
}

Tensor embed_tokens_oracle(const std::vector<Tensor>& in) {
  const std::int64_t batch = in[0].dim(0), tokens = in[0].dim(1), d = in[0].dim(2);
  Tensor y = Tensor::empty({batch, tokens + 1, d}, DType::f64);
  std::int64_t i = 0;
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t <= tokens; ++t) {
      for (std::int64_t k = 0; k < d; ++k) {
        const double token =
            t == 0 ? in[1].data<double>()[k] : in[0].data<double>()[(b * tokens + t - 1) * d + k];
        y.data<double>()[i++] = token + in[2].data<double>()[t * d + k];
      }
    }
  }
  return y;
}

OpEntry embed_tokens_entry() {
  OpEntry entry{"embed_tokens", {}, {}, {1, 2}};
  for (const Shape& shape :
       {Shape{3, 4, 5}, Shape{1, 7, 3}, Shape{5, 1, 1}, Shape{2, 0, 3}, Shape{0, 3, 2}}) {
    entry.samples.push_back({.label = shape.str(),
                             .inputs = {random_tensor(shape, 1), random_tensor({shape[2]}, 2),
                                        random_tensor({shape[1] + 1, shape[2]}, 3)},
                             .function = [](const auto& in) { return embed_tokens(in[0], in[1], in[2]); },
                             .oracle = embed_tokens_oracle});
  }
  entry.bad_calls = {
      {"rank",
       [] {
         embed_tokens_forward(Tensor::zeros({2, 3}), Tensor::zeros({3}), Tensor::zeros({3, 3}));
       },
       "[embed_tokens] expected x (B,T,D), got (2,3)"},
      {"class token",
       [] {
         embed_tokens_forward(Tensor::zeros({2, 3, 4}), Tensor::zeros({1, 4}), Tensor::zeros({4, 4}));
       },
       "[embed_tokens] expected cls of shape (4), got (1,4)"},
      {"position",
       [] {
         embed_tokens_forward(Tensor::zeros({2, 3, 4}), Tensor::zeros({4}), Tensor::zeros({3, 4}));
       },
       "[embed_tokens] expected position of shape (4,4), got (3,4)"},
      {"gradient of no token",
       [] {
         embed_tokens_backward_input(Tensor::zeros({2, 0, 4}));
       },
       "[embed_tokens] expected dy (B,T+1,D), got (2,0,4)"},
  };
  return entry;
}

OpSample select_token_sample(Shape shape, std::int64_t index) {
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

OpEntry select_token_entry() {
  OpEntry entry{"select_token", {}, {}};
  entry.samples = {select_token_sample({3, 4, 5}, 0), select_token_sample({3, 4, 5}, 3),
                   select_token_sample({1, 1, 7}, 0), select_token_sample({0, 2, 3}, 1)};
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

}  // namespace

std::vector<OpEntry> tokens_entries() {
  return {patchify_entry(), embed_tokens_entry(), select_token_entry()};
}

}  // namespace salu::test
