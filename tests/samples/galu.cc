// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"

#include "autograd/functions.h"
#include "tests/samples/salu_family.h"

namespace salu::test {

OpEntry galu_entry() {
  OpEntry entry{"galu", {}, {}, {1, 2}};
  each_salu_sample([&](const std::string& label, Shape shape, double sigma, Coefficients c, Coefficients,
                       Positive positive) {
    entry.samples.push_back(
        {.label = label,
         .inputs = {random_tensor(shape, 1, sigma), scalar(stored_p(c.a, c.b, positive)),
                    scalar(stored_q(c.a, c.b, positive))},
         .function = [positive](const auto& in) { return galu(in[0], in[1], in[2], positive); },
         .oracle =
             [c](const auto& in) {
               Tensor y = in[0].clone();
               for (std::int64_t i = 0; i < y.numel(); ++i)
                 y.data<double>()[i] = paper_galu(in[0].template data<double>()[i], c.a, c.b);
               return y;
             }});
  });
  const auto one = [] { return Tensor::zeros({1}); };
  entry.bad_calls.push_back(
      {"coefficients per channel",
       [=] {
         galu_forward(Tensor::zeros({2, 3}), {Tensor::zeros({3}), one()}, Positive::exp);
       },
       "[galu] expected coefficients of one element, got (3)"});
  entry.bad_calls.push_back({"coefficient of another dtype",
                             [=] {
                               galu_forward(Tensor::zeros({2}), {one(), one().to(DType::f64)}, Positive::exp);
                             },
                             "[galu] expected coefficients f32, got f64"});
  entry.bad_calls.push_back(
      {"gradient of another shape",
       [=] {
         CoefficientPair d{one(), one()};
         galu_backward(Tensor::zeros({3}), Tensor::zeros({2}), {one(), one()}, d, Positive::exp);
       },
       "[galu] expected shape (2), got (3)"});
  return entry;
}

}  // namespace salu::test
