// SPDX-License-Identifier: MIT
/// The loops of the SALU family: the f32 table of each instruction set that this CPU has agrees with f64, up
/// to the largest float and beyond it, and writes nothing beyond the end.
#include "core/simd/salu_loops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/rng.h"
#include "tests/catch.h"

namespace salu {

namespace native {  // tests/meson.build: the portable copy as a build with -march=native compiles it
template <class T>
const SaluLoops<T>& salu_loops();
}

namespace test {
namespace {

constexpr float kGuard = -12345.5f;
constexpr double kRounding = 0x1p-24;  // of one f32 operation, relative
constexpr CurvePair<double> kCurves{{1.3, 0.9}, {0.8, 1.1}};
constexpr CurvePair<float> kCurvesF32{{1.3f, 0.9f}, {0.8f, 1.1f}};

struct Table {
  const char* name;
  const SaluLoops<float>* loops;
};

std::vector<Table> tables() {
  std::vector<Table> out{{"baseline", &baseline::salu_loops<float>()},
                         {"native", &native::salu_loops<float>()}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    out.push_back({"avx2", &avx2::salu_loops<float>()});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    out.push_back({"avx512", &avx512::salu_loops<float>()});
  return out;
}

/// Inputs of n elements. Each array is exactly as long, so that a memory checker finds a read past its end.
template <class T>
struct Input {
  std::vector<T> dy, x, residual;
};
/// Outputs of the loops, with one guard value after each array.
template <class T>
struct Output {
  std::vector<T> y, dx, dresidual;
  CurvePairSums<double> sums;
};

template <class T>
Output<T> run(const SaluLoops<T>& loops, SaluMember member, const Input<T>& in, const CurvePair<T>& curves) {
  const std::vector<T> guards(in.x.size() + 1, static_cast<T>(kGuard));
  Output<T> out{guards, guards, guards, {}};
  const auto n = static_cast<std::int64_t>(in.x.size());
  const bool adds = member == SaluMember::salu_add_swalu;
  const T* residual = adds ? in.residual.data() : nullptr;
  loops.forward[static_cast<int>(member)](n, out.y.data(), in.x.data(), residual, curves);
  out.sums = loops.backward[static_cast<int>(member)](n, out.dx.data(), adds ? out.dresidual.data() : nullptr,
                                                      in.dy.data(), in.x.data(), residual, curves);
  return out;
}

Input<float> noise(int n, double sigma) {
  Rng rng({7, Purpose::test, 0, static_cast<std::uint32_t>(n)});
  Input<float> in;
  for (int i = 0; i < n; ++i) {
    in.dy.push_back(static_cast<float>(rng.normal()));
    in.x.push_back(static_cast<float>(sigma * rng.normal()));
    in.residual.push_back(static_cast<float>(rng.normal()));
  }
  return in;
}

Input<double> widened(const Input<float>& in) {
  const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  return {wide(in.dy), wide(in.x), wide(in.residual)};
}

std::vector<double> numbers(const CurvePairSums<double>& s) {
  return {s.first.all, s.first.bent, s.first.straight, s.gate.all, s.gate.bent, s.gate.straight};
}

/// The sums of the magnitudes of what is summed, one element at a time.
std::vector<double> magnitudes(SaluMember member, const Input<double>& in) {
  std::vector<double> out(6);
  for (std::size_t i = 0; i < in.x.size(); ++i) {
    const Input<double> one{{in.dy[i]}, {in.x[i]}, {in.residual[i]}};
    const auto terms = numbers(run(baseline::salu_loops<double>(), member, one, kCurves).sums);
    for (std::size_t k = 0; k < terms.size(); ++k) out[k] += std::abs(terms[k]);
  }
  return out;
}

/// The error of the worst element in roundings; `scale(i)` is the size of the terms of element i's sum.
template <class Scale>
double roundings(const std::vector<float>& got, const std::vector<double>& want, Scale&& scale) {
  double worst = 0;
  for (std::size_t i = 0; i + 1 < got.size(); ++i) {
    const double off = std::abs(got[i] - want[i]) / (kRounding * scale(i));
    worst = std::isnan(off) ? HUGE_VAL : std::max(worst, off);
  }
  return worst;
}

void check_table(const Table& table, SaluMember member, const Input<float>& in) {
  const Input<double> wide = widened(in);
  const Output<double> want = run(baseline::salu_loops<double>(), member, wide, kCurves);
  const Output<float> got = run(*table.loops, member, in, kCurvesF32);
  const bool adds = member == SaluMember::salu_add_swalu;
  const auto magnitude = [&](std::size_t i) {
    return std::abs(wide.x[i]) + (adds ? std::abs(wide.residual[i]) : 0);
  };
  CHECK(roundings(got.y, want.y, magnitude) < 16);
  const auto upstream = [&](std::size_t i) { return std::abs(wide.dy[i]); };
  CHECK(roundings(got.dx, want.dx, upstream) < 16);
  if (adds) CHECK(roundings(got.dresidual, want.dresidual, upstream) < 16);
  const auto sums = numbers(got.sums), exact = numbers(want.sums), sizes = magnitudes(member, wide);
  for (std::size_t k = 0; k < sums.size(); ++k) {
    INFO("sum " << k);
    CHECK(std::abs(sums[k] - exact[k]) <= 16 * kRounding * sizes[k]);
  }
  for (const auto* written : {&got.y, &got.dx, &got.dresidual}) CHECK(written->back() == kGuard);
}

TEST_CASE("each instruction set agrees with f64, whatever is left for the last register") {
  std::vector<int> sizes = {0, 1, 16384};
  for (int n = 7; n <= 33; ++n) sizes.push_back(n);
  for (const Table& table : tables()) {
    for (int member = 0; member < kSaluMembers; ++member) {
      for (const int n : sizes) {
        for (const double sigma : {0.05, 1.0, 50.0}) {  // linear, bent, saturated
          INFO(table.name << ", member " << member << ", n " << n << ", sigma " << sigma);
          check_table(table, static_cast<SaluMember>(member), noise(n, sigma));
        }
      }
    }
  }
}

/// 33 times v: two registers and a part of one, or four and a part.
Input<float> filled(float v) {
  return {std::vector<float>(33, 1.0f), std::vector<float>(33, v), std::vector<float>(33, 0.5f)};
}

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST_CASE("SALU saturates, from numbers whose square no float holds up to the infinite") {
  const float s = kCurvesF32.first.s;
  for (const Table& table : tables()) {
    for (const float x : {1e18f, 1e25f, 3e38f, kInf, -1e18f, -1e25f, -3e38f, -kInf}) {
      INFO(table.name << ", x " << x);
      const auto got = run(*table.loops, SaluMember::salu, filled(x), kCurvesF32);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < 33; ++i) {
        wrong += !(std::abs(got.y[i] - std::copysign(s, x)) <= 1e-6f) || got.dx[i] != 0;
      }
      CHECK(wrong == 0);
      const double all = 33 * std::copysign(static_cast<double>(s), x);
      CHECK(got.sums.first.all == Approx(all).epsilon(1e-6));
      CHECK(got.sums.first.bent == Approx(all).epsilon(1e-6));
      CHECK(std::abs(got.sums.first.straight) < 1e-30);
    }
  }
}

TEST_CASE("the gates have their asymptotes' values and slopes there") {
  for (const Table& table : tables()) {
    for (const SaluMember member : {SaluMember::swalu, SaluMember::galu}) {
      for (const float x : {1e18f, 1e25f, 3e38f, kInf, -1e18f, -1e25f, -3e38f, -kInf}) {
        INFO(table.name << ", member " << static_cast<int>(member) << ", x " << x);
        const auto got = run(*table.loops, member, filled(x), kCurvesF32);
        const double slope = 0.5 * (1 + std::copysign(1.3, static_cast<double>(x)));
        const double y = slope * static_cast<double>(x);  // beyond the largest float: infinite
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < 33; ++i) {
          const bool value = std::abs(y) > 3.4e38 ? got.y[i] == std::copysign(kInf, static_cast<float>(y))
                                                  : std::abs(got.y[i] / y - 1) < 1e-5;
          wrong += !value || !(std::abs(got.dx[i] - slope) < 1e-6);
        }
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("NaN stays NaN, in its own element only") {
  for (const Table& table : tables()) {
    for (int member = 0; member < kSaluMembers; ++member) {
      for (const std::size_t at : {0, 15, 32}) {
        INFO(table.name << ", member " << member << ", element " << at);
        Input<float> in = filled(0.5f);
        in.x[at] = std::numeric_limits<float>::quiet_NaN();
        const auto got = run(*table.loops, static_cast<SaluMember>(member), in, kCurvesF32);
        const auto is_nan = [](float v) { return std::isnan(v); };
        CHECK(std::isnan(got.y[at]));
        CHECK(std::isnan(got.dx[at]));
        CHECK(std::ranges::count_if(got.y, is_nan) == 1);
        CHECK(std::ranges::count_if(got.dx, is_nan) == 1);
        CHECK(std::isnan(got.sums.first.all));
      }
    }
  }
}

TEST_CASE("the portable f64 table is there, with the same bits, when the whole build is for one CPU") {
  const Input<double> in = widened(noise(33, 1.0));
  for (int member = 0; member < kSaluMembers; ++member) {
    INFO("member " << member);
    const auto got = run(native::salu_loops<double>(), static_cast<SaluMember>(member), in, kCurves),
               want = run(baseline::salu_loops<double>(), static_cast<SaluMember>(member), in, kCurves);
    CHECK(got.y == want.y);
    CHECK(got.dx == want.dx);
    CHECK(got.dresidual == want.dresidual);
    CHECK(numbers(got.sums) == numbers(want.sums));
  }
}

}  // namespace
}  // namespace test
}  // namespace salu
