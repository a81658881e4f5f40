// SPDX-License-Identifier: MIT
#include "tests/op_samples.h"

#include <cmath>

namespace salu::test {

Tensor random_tensor(Shape shape, std::uint32_t tag, double sigma, double gap,
                     const std::vector<double>& kinks) {
  Tensor t = Tensor::empty(shape, DType::f64);
  Rng rng({2024, Purpose::test, tag, static_cast<std::uint32_t>(shape.numel())});
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    double v = sigma * rng.normal();
    if (gap > 0) {
      for (const double kink : kinks) {
        if (std::abs(v - kink) < gap) v = kink + (v < kink ? -gap : gap);
      }
    }
    t.data<double>()[i] = v;
  }
  return t;
}

std::function<Tensor(const std::vector<Tensor>&)> elementwise_oracle(double (*f)(double)) {
  return [f](const std::vector<Tensor>& in) {
    Tensor y = Tensor::empty(in[0].shape(), DType::f64);
    for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = f(in[0].data<double>()[i]);
    return y;
  };
}

}  // namespace salu::test
