// SPDX-License-Identifier: MIT
/// The SALU family on tensors of several chunks.
#include <cmath>

#include "autograd/functions.h"
#include "tests/catch.h"
#include "tests/check_large.h"
#include "tests/samples/salu.h"

namespace salu::test {
namespace {

/// y, dy/dx and the derivatives for log a and log b of a function of x.
struct Derivatives {
  double y, dx, da, db;
};
using Member = Derivatives (*)(double x, double a, double b);

Derivatives salu_member(double x, double a, double b) {
  const double y = paper_salu(x, a, b), square = 1 + a * b * x * x, bent = a * b * x * x / square;
  return {y, a / std::pow(square, 1.5), y * (1 - bent / 2), -y * bent / 2};
}
Derivatives swalu_member(double x, double a, double b) {
  const Derivatives s = salu_member(x, a, b);
  return {paper_swalu(x, a, b), (1 + s.y + x * s.dx) / 2, x / 2 * s.da, x / 2 * s.db};
}
Derivatives galu_member(double x, double a, double b) {
  const double root = 0.79788456080286536, psi = root * (x + 0.044715 * std::pow(x, 3));
  const Derivatives s = salu_member(psi, a, b);
  const double dpsi = root * (1 + 3 * 0.044715 * x * x);
  return {paper_galu(x, a, b), (1 + s.y + x * s.dx * dpsi) / 2, x / 2 * s.da, x / 2 * s.db};
}

/// N(1/2, sigma), so that the sums of the coefficients' gradients do not cancel.
Tensor lifted_tensor(std::uint32_t tag, double sigma = 1.0) {
  Tensor t = random_tensor(kShape, tag, sigma);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] += 0.5;
  return t;
}

TEST_CASE("salu, swalu and galu of several chunks") {
  const auto reference = [](Member member) {
    return [=](const Inputs& in, const Tensor& g) {
      Results out = zeros_for(in, kShape);
      const double a = std::exp(in[1].item()), b = std::exp(in[2].item());
      for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
        const double dy = g.data<double>()[i];
        const Derivatives d = member(in[0].data<double>()[i], a, b);
        out[0].data<double>()[i] = d.y;
        out[1].data<double>()[i] = dy * d.dx;
        *out[2].data<double>() += dy * d.da;
        *out[3].data<double>() += dy * d.db;
      }
      return out;
    };
  };
  const Inputs inputs = {lifted_tensor(20, 2.0), scalar(0.3), scalar(-0.2)};
  const Tensor dy = lifted_tensor(21);
  check_large(
      "salu",
      [](const auto& in) {
        return salu(in[0], {in[1], in[2]});
      },
      inputs, dy, reference(salu_member));
  check_large(
      "swalu",
      [](const auto& in) {
        return swalu(in[0], {in[1], in[2]});
      },
      inputs, dy, reference(swalu_member));
  check_large(
      "galu",
      [](const auto& in) {
        return galu(in[0], {in[1], in[2]});
      },
      inputs, dy, reference(galu_member));
}

TEST_CASE("the fused functions of several chunks") {
  /// The coefficients stand from input `first` on; a residual, before them, is there when that is 2.
  const auto reference = [](std::size_t first) {
    return [=](const Inputs& in, const Tensor& g) {
      Results out = zeros_for(in, kShape);
      double c[4];
      for (std::size_t k = 0; k < 4; ++k) c[k] = std::exp(in[first + k].item());
      for (std::int64_t i = 0; i < kRows * kChannels; ++i) {
        const Derivatives s = salu_member(in[0].data<double>()[i], c[0], c[1]);
        const double residual = first == 2 ? in[1].data<double>()[i] : 0;
        const Derivatives gate = swalu_member(s.y + residual, c[2], c[3]);
        const double dy = g.data<double>()[i], dh = dy * gate.dx;
        out[0].data<double>()[i] = gate.y;
        out[1].data<double>()[i] = dh * s.dx;
        if (first == 2) out[2].data<double>()[i] = dh;
        const double terms[] = {dh * s.da, dh * s.db, dy * gate.da, dy * gate.db};
        for (std::size_t k = 0; k < 4; ++k) *out[first + 1 + k].data<double>() += terms[k];
      }
      return out;
    };
  };
  const Tensor x = lifted_tensor(22, 2.0), dy = lifted_tensor(23);
  check_large(
      "salu_swalu",
      [](const auto& in) {
        return salu_swalu(in[0], {in[1], in[2]}, {in[3], in[4]});
      },
      {x, scalar(0.3), scalar(-0.2), scalar(-0.7), scalar(-0.6)}, dy, reference(1));
  check_large(
      "salu_add_swalu",
      [](const auto& in) {
        return salu_add_swalu(in[0], in[1], {in[2], in[3]}, {in[4], in[5]});
      },
      {x, lifted_tensor(24), scalar(0.3), scalar(-0.2), scalar(-0.7), scalar(-0.6)}, dy, reference(2));
}

}  // namespace
}  // namespace salu::test
