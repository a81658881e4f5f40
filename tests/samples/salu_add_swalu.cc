// SPDX-License-Identifier: MIT
#include "core/ops/salu_add_swalu.h"

#include "autograd/functions.h"
#include "tests/samples/salu_family.h"

namespace salu::test {

OpEntry salu_add_swalu_entry() {
  OpEntry entry{"salu_add_swalu", {}, {}, {2, 3, 4, 5}};
  const auto sample = [](const std::string& label, Shape shape, double sigma, Coefficients c, Coefficients g,
                         Positive positive) -> OpSample {
    return {.label = label,
            .inputs = {random_tensor(shape, 1, sigma), random_tensor(shape, 2),
                       scalar(stored_p(c.a, c.b, positive)), scalar(stored_q(c.a, c.b, positive)),
                       scalar(stored_p(g.a, g.b, positive)), scalar(stored_q(g.a, g.b, positive))},
            .function =
                [positive](const auto& in) {
                  return salu_add_swalu(in[0], in[1], in[2], in[3], in[4], in[5], positive);
                },
            .oracle =
                [c, g](const auto& in) {
                  Tensor y = in[0].clone();
                  for (std::int64_t i = 0; i < y.numel(); ++i) {
                    const double x = in[0].template data<double>()[i];
                    y.data<double>()[i] =
                        paper_swalu(paper_salu(x, c.a, c.b) + in[1].template data<double>()[i], g.a, g.b);
                  }
                  return y;
                }};
  };
  add_salu_samples(entry, sample);
  const CoefficientPair one{Tensor::zeros({1}), Tensor::zeros({1})},
      three{Tensor::zeros({3}), Tensor::zeros({1})};
  entry.bad_calls.push_back(
      {"gate per channel",
       [=] { salu_add_swalu_forward(Tensor::zeros({2}), Tensor::zeros({2}), one, three, Positive::exp); },
       "[salu_add_swalu] expected coefficients of one element, got (3)"});
  entry.bad_calls.push_back(
      {"residual of another shape",
       [=] {
         salu_add_swalu_forward(Tensor::zeros({2}), Tensor::zeros({1, 2}), one, one, Positive::exp);
       },
       "[salu_add_swalu] expected shape (2), got (1,2)"});
  entry.bad_calls.push_back({"gradient of another shape",
                             [=] {
                               CoefficientPair d1 = one, d2 = one;
                               salu_add_swalu_backward(Tensor::zeros({3}), Tensor::zeros({2}),
                                                       Tensor::zeros({2}), one, one, d1, d2, Positive::exp);
                             },
                             "[salu_add_swalu] expected shape (2), got (3)"});
  return entry;
}

}  // namespace salu::test
