// SPDX-License-Identifier: MIT
/// exp, tanh and erf of each instruction set that this CPU has, against double over all magnitudes of float;
/// bf16 loads and stores for every pattern.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/vec_math_isa.h"

namespace salu::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// The portable functions are those of the C library; glibc's tanhf errs by 2.06.
struct Set {
  const char* name;
  const VecMath* math;
  double bound = 2;
};

std::vector<Set> sets() {
  std::vector<Set> out{{"baseline", &baseline::vec_math, 2.1}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    out.push_back({"avx2", &avx2::vec_math});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    out.push_back({"avx512", &avx512::vec_math});
  return out;
}

struct Function {
  const char* name;
  VecMath::Function VecMath::*vec;
  double (*exact)(double);
};
const Function kFunctions[] = {
    {"exp", &VecMath::exp, std::exp}, {"tanh", &VecMath::tanh, std::tanh}, {"erf", &VecMath::erf, std::erf}};

std::vector<float> applied(const Function& f, const Set& set, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  (set.math->*f.vec)(static_cast<std::int64_t>(x.size()), y.data(), x.data());
  return y;
}

/// The distance of neighbouring floats at a number; the smallest there is at 0.
double unit(double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::ldexp(1.0, std::max(exponent - 24, -149));
}

/// Every `step`-th float of both signs, infinities included.
std::vector<float> floats(std::uint32_t step) {
  std::vector<float> out;
  for (std::uint32_t bits = 0; bits < 0x7f800000u; bits += step) {
    out.push_back(std::bit_cast<float>(bits));
    out.push_back(-out.back());
  }
  out.insert(out.end(), {kInf, -kInf});
  return out;
}

TEST_CASE("exp, tanh and erf are within 2 units in the last place of double, from denormals to infinity") {
  const std::vector<float> x = floats(1009);
  for (const Set& set : sets()) {
    for (const Function& f : kFunctions) {
      INFO(set.name << " " << f.name);
      const std::vector<float> y = applied(f, set, x);
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = f.exact(static_cast<double>(x[i]));
        const bool overflows = exact > static_cast<double>(std::numeric_limits<float>::max());
        const double off = overflows ? (y[i] == kInf ? 0 : HUGE_VAL)
                                     : std::abs(static_cast<double>(y[i]) - exact) / unit(exact);
        if (!(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
      }
      CHECK(worst <= set.bound);
    }
  }
}

TEST_CASE("exp is exact at its ends, tanh and erf are odd and never beyond 1") {
  for (const Set& set : sets()) {
    INFO(set.name);
    const auto exp = applied(kFunctions[0], set, {kInf, -kInf, 89, -104, 0.0f, -0.0f, 88.72283f});
    CHECK(exp[0] == kInf);
    CHECK(exp[1] == 0);
    CHECK(exp[2] == kInf);
    CHECK(exp[3] == 0);
    CHECK(exp[4] == 1);
    CHECK(exp[5] == 1);
    CHECK(std::isfinite(exp[6]));
    std::vector<float> x = floats(100003), negative;
    std::ranges::transform(x, std::back_inserter(negative), std::negate());
    for (const Function* f : {&kFunctions[1], &kFunctions[2]}) {
      INFO(f->name);
      const auto y = applied(*f, set, x), mirrored = applied(*f, set, negative);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        wrong += !(std::abs(y[i]) <= 1) || mirrored[i] != -y[i] || std::signbit(y[i]) != std::signbit(x[i]);
      }
      CHECK(wrong == 0);
      CHECK(y[x.size() - 2] == 1);
    }
  }
}

TEST_CASE("NaN stays NaN, in its own element") {
  std::vector<float> x(33, 0.5f);
  x[1] = x[32] = kNan;
  x[17] = -kNan;
  for (const Set& set : sets()) {
    for (const Function& f : kFunctions) {
      INFO(set.name << " " << f.name);
      const auto y = applied(f, set, x);
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::isnan(y[i]) == std::isnan(x[i]));
    }
  }
}

/// What a load must give: the pattern is the upper half of the float.
float upper_half(std::uint32_t pattern) { return std::bit_cast<float>(pattern << 16); }

TEST_CASE("all 65,536 bf16 patterns are widened exactly and come back") {
  std::vector<bf16> patterns(65536), back(65536);
  for (std::uint32_t i = 0; i < 65536; ++i) patterns[i].bits = static_cast<std::uint16_t>(i);
  for (const Set& set : sets()) {
    INFO(set.name);
    std::vector<float> wide(65536);
    set.math->widen(65536, wide.data(), patterns.data());
    set.math->narrow(65536, back.data(), wide.data());
    std::size_t wrong = 0;
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const bool is_nan = std::isnan(upper_half(i));
      wrong += std::bit_cast<std::uint32_t>(wide[i]) != i << 16;
      wrong += is_nan ? !std::isnan(upper_half(back[i].bits)) : back[i].bits != i;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("bf16 stores round to the nearest, ties to even, beyond the largest to infinity") {
  std::vector<float> x;
  std::vector<std::uint32_t> want;
  const auto expect = [&](std::uint32_t bits, std::uint32_t pattern) {
    for (const std::uint32_t sign : {0u, 0x8000u}) {
      x.push_back(std::bit_cast<float>(bits | sign << 16));
      want.push_back(pattern | sign);
    }
  };
  for (std::uint32_t p = 0; p < 0x7f80; ++p) {  // the finite ones, denormals included
    expect(p << 16 | 0x7fff, p);
    expect(p << 16 | 0x8000, p + p % 2);
    expect(p << 16 | 0x8001, p + 1);
  }
  std::vector<bf16> y(x.size());
  for (const Set& set : sets()) {
    INFO(set.name);
    set.math->narrow(static_cast<std::int64_t>(x.size()), y.data(), x.data());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < x.size(); ++i) wrong += y[i].bits != want[i];
    CHECK(wrong == 0);
    const float nans[] = {std::bit_cast<float>(0x7f800001u), std::bit_cast<float>(0xffffffffu)};
    set.math->narrow(2, y.data(), nans);  // mantissas that rounding would clear or carry into the sign
    CHECK(std::isnan(upper_half(y[0].bits)));
    CHECK(std::isnan(upper_half(y[1].bits)));
  }
}

}  // namespace
}  // namespace salu::test
