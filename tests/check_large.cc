// SPDX-License-Identifier: MIT
#include "tests/check_large.h"

#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

Results run(const Function& function, const Inputs& inputs, const Tensor& dy, DType dtype) {
  std::vector<Variable> variables;
  for (const Tensor& t : inputs) variables.emplace_back(t.to(dtype), true);
  const Variable y = function(variables);
  backward(y, dy.to(dtype));
  Results results = {y.value()};
  for (const Variable& v : variables) results.push_back(v.grad());
  return results;
}

}  // namespace

void check_large(const char* name, const Function& function, Inputs inputs, Tensor dy,
                 const Reference& reference) {
  INFO(name);
  for (Tensor& t : inputs) t = t.to(DType::f32).to(DType::f64);  // so that f32 sees the same numbers
  dy = dy.to(DType::f32).to(DType::f64);
  const Results want = reference(inputs, dy);
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Results got = run(function, inputs, dy, dtype);
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      INFO(dtype_name(dtype) << ", result " << i);
      CHECK(compare(got[i], want[i], sum_tolerance(dtype, want[i])) == "");
    }
  }
  set_num_threads(1);
  const Results one = run(function, inputs, dy, DType::f32);
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    const Results many = run(function, inputs, dy, DType::f32);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(compare_bits(many[i], one[i]) == "");
  }
  set_num_threads(0);
}

Results zeros_for(const Inputs& in, const Shape& y) {
  Results out = {Tensor::zeros(y, DType::f64)};
  for (const Tensor& t : in) out.push_back(Tensor::zeros(t.shape(), DType::f64));
  return out;
}

}  // namespace salu::test
