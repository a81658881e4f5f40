// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"

#include "autograd/functions.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

/// One query at a time, straight from softmax(scale q k^T) v.
Tensor oracle(const Tensor& qkv, std::int64_t heads, double scale) {
  const std::int64_t batch = qkv.dim(0), tokens = qkv.dim(1), d = qkv.dim(2) / 3, head = d / heads;
  Tensor y = Tensor::zeros({batch, tokens, d}, DType::f64);
  const auto at = [&](std::int64_t b, std::int64_t t, int part, std::int64_t column) {
    return qkv.data<double>()[((b * tokens + t) * 3 + part) * d + column];
  };
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t i = 0; i < tokens; ++i) {
      for (std::int64_t column = 0; column < d; ++column) {
        const std::int64_t first = column / head * head;  // of this column's head
        double numerator = 0, denominator = 0;
        for (std::int64_t j = 0; j < tokens; ++j) {
          double score = 0;
          for (std::int64_t k = first; k < first + head; ++k) score += at(b, i, 0, k) * at(b, j, 1, k);
          const double e = std::exp(scale * score);
          numerator += e * at(b, j, 2, column);
          denominator += e;
        }
        y.data<double>()[(b * tokens + i) * d + column] = numerator / denominator;
      }
    }
  }
  return y;
}

OpSample sample(Shape shape, std::int64_t heads, double scale) {
  return {.label = fmt::format("{} {} heads", shape.str(), heads),
          .inputs = {random_tensor(shape, 1)},
          .function = [=](const auto& in) { return attention(in[0], heads, scale); },
          .oracle = [=](const auto& in) { return oracle(in[0], heads, scale); },
          .has_sum = true};
}

/// Scores of some thousand, which only a softmax that subtracts the largest survives: where the first key
/// leads by hundreds, the closed form is that its value is copied.
OpSample large_scores(const char* label, double k0, double k1, double k2) {
  return {.label = label,
          .inputs = {Tensor::from<double>({1, 3, 6},
                                          {60, 0, k0, 0, 1, -2, 50, 1, k1, 0, 3, 5, 40, -1, k2, 0, -7, 4})},
          .function = [](const auto& in) { return attention(in[0], 1, 1.0); },
          .oracle =
              [](const auto&) {
                return Tensor::from<double>({1, 3, 2}, {1, -2, 1, -2, 1, -2});
              },
          .has_sum = true};
}

}  // namespace

std::vector<OpEntry> attention_entries() {
  OpEntry entry{"attention", {}, {}};
  entry.samples = {sample({2, 3, 12}, 2, 0.7), sample({1, 7, 9}, 1, 0.5), sample({1, 5, 18}, 3, 1.3),
                   sample({3, 1, 6}, 1, 1.0), sample({0, 4, 6}, 2, 1.0),
                   large_scores("scores up to 3600", 60, 0, 0),
                   // a zero, as of a key that is not there, would be the largest score by far
                   large_scores("scores down to -4800", -60, -70, -80)};
  entry.bad_calls = {
      {"heads",
       [] {
         attention_forward(Tensor::zeros({2, 3, 12}), 3, 1.0);
       },
       "[attention] expected qkv (B,T,3D) with D divisible by 3 heads, got (2,3,12)"},
      {"no heads",
       [] {
         attention_forward(Tensor::zeros({2, 3, 12}), 0, 1.0);
       },
       "divisible by 0 heads"},
      {"not three parts",
       [] {
         attention_forward(Tensor::zeros({2, 3, 4}), 1, 1.0);
       },
       "[attention] expected qkv (B,T,3D)"},
      {"rank",
       [] {
         attention_forward(Tensor::zeros({3, 12}), 1, 1.0);
       },
       "[attention] expected qkv (B,T,3D)"},
      {"gradient",
       [] {
         attention_backward(Tensor::zeros({2, 3, 3}), Tensor::zeros({2, 3, 12}), Tensor::zeros({2, 1, 3}),
                            1.0);
       },
       "[attention] expected dy of shape (2,3,4), got (2,3,3)"},
  };
  return {entry};
}

}  // namespace salu::test
