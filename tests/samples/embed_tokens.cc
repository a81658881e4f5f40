// SPDX-License-Identifier: MIT
#include "core/ops/embed_tokens.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

Tensor oracle(const std::vector<Tensor>& in) {
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

}  // namespace

OpEntry embed_tokens_entry() {
  OpEntry entry{"embed_tokens", {}, {}, {1, 2}};
  for (const Shape& shape :
       {Shape{3, 4, 5}, Shape{1, 7, 3}, Shape{5, 1, 1}, Shape{2, 0, 3}, Shape{0, 3, 2}}) {
    entry.samples.push_back({.label = shape.str(),
                             .inputs = {random_tensor(shape, 1), random_tensor({shape[2]}, 2),
                                        random_tensor({shape[1] + 1, shape[2]}, 3)},
                             .function = [](const auto& in) { return embed_tokens(in[0], in[1], in[2]); },
                             .oracle = oracle});
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

}  // namespace salu::test
