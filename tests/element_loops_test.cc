// SPDX-License-Identifier: MIT
/// The loops of the elementwise formulas: the f32 and bf16 tables of each instruction set that this CPU has
/// agree with the formulas in f64, whatever is left for the last register, and write nothing beyond the end.
#include "core/simd/element_loops.h"

#include <cmath>
#include <vector>

#include "core/ops/activations.h"
#include "core/ops/arithmetic.h"
#include "core/ops/squash.h"
#include "core/rng.h"
#include "tests/catch.h"

namespace salu {

namespace native {  // tests/meson.build: the portable copy as a build with -march=native compiles it
template <class T>
const ElementLoops<T>& element_loops();
}

namespace test {
namespace {

constexpr float kGuard = -123.5f;
constexpr double kRounding = 0x1p-24;  // of one f32 operation, relative

template <class T>
struct Table {
  const char* name;
  const ElementLoops<T>* loops;
};

template <class T>
std::vector<Table<T>> tables() {
  std::vector<Table<T>> out{{"baseline", &baseline::element_loops<T>()},
                            {"native", &native::element_loops<T>()}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    out.push_back({"avx2", &avx2::element_loops<T>()});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    out.push_back({"avx512", &avx512::element_loops<T>()});
  return out;
}

/// Exactly n numbers, so that a memory checker finds a read past the end; they are on the grid of T.
template <class T>
std::vector<T> noise(int n, double sigma, std::uint32_t tag) {
  Rng rng({7, Purpose::test, tag, static_cast<std::uint32_t>(n)});
  std::vector<T> out;
  for (int i = 0; i < n; ++i) out.push_back(T(static_cast<Wide<T>>(sigma * rng.normal())));
  return out;
}

double wide(Wide<bf16> v) { return static_cast<double>(v); }

/// Half the distance of T's numbers beside that of float, relative.
template <class T>
constexpr double kStore = std::is_same_v<T, bf16> ? 0x1p-8 : 0;

/// Whether every y is f64's value within `roundings` of f32 operations of size 1 + |in| ... and one store.
template <class T, class F, class... In>
void check_map(const ElementLoops<T>& loops, const F& f, double roundings, int n, double sigma) {
  std::uint32_t tag = 0;
  const auto next = [&] { return ++tag; };
  const std::tuple<std::vector<In>...> inputs{noise<In>(n, sigma, next())...};
  std::vector<T> y(static_cast<std::size_t>(n) + 1, T(kGuard));
  std::apply(
      [&](const auto&... in) {
        std::get<MapLoop<F, T, In...>>(loops)(n, y.data(), f, in.data()...);
        double worst = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
          const double want = f(wide(in[i])...), size = ((1 + std::abs(wide(in[i]))) * ...);
          const double allowed = roundings * kRounding * size + kStore<T> * std::abs(want);
          const double off = std::abs(wide(y[i]) - want) / allowed;
          if (!(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
        }
        CHECK(worst <= 1);
      },
      inputs);
  CHECK(wide(y.back()) == wide(kGuard));
}

template <class T, class F>
void check_activation(const ElementLoops<T>& loops, double roundings, int n, double sigma) {
  INFO(F::kOp);
  check_map<T, Value<F>, T>(loops, {}, roundings, n, sigma);
  check_map<T, Gradient<F>, T, T>(loops, {}, roundings, n, sigma);
}

template <class T, class F>
void check_squash(const ElementLoops<T>& loops, int n, double sigma) {
  INFO(F::kOp);
  const SquashValue<F, float> f{0.75f, -0.25f};  // exact in bf16, too
  check_map<T, SquashValue<F, float>, T, float, float>(loops, f, 8, n, sigma);
  const auto dy = noise<T>(n, 1, 1), x = noise<T>(n, sigma, 2);
  const auto gamma = noise<float>(n, 1, 3);
  const auto size = static_cast<std::size_t>(n);
  std::vector<T> dx(size + 1, T(kGuard));
  std::vector<float> sums(2 * size + 3, 0.5f);
  std::get<SquashRow<F, T>>(loops)(n, dx.data(), sums.data(), f, dy.data(), x.data(), gamma.data());
  double dalpha = 0.5, dshift = 0.5, magnitude = 1, worst = 0;
  const auto compare = [&](double got, double want, double allowed) {
    if (!(std::abs(got - want) <= allowed)) ++worst;
  };
  for (std::size_t i = 0; i < size; ++i) {
    const double g = wide(dy[i]), v = wide(x[i]);
    const auto [value, slope] = F{}(0.75 * v - 0.25);
    const double du = g * wide(gamma[i]) * slope,
                 step = 16 * kRounding * (1 + std::abs(g)) * (1 + std::abs(v));
    compare(wide(dx[i]), 0.75 * du, step * (1 + std::abs(gamma[i])) + kStore<T> * std::abs(du));
    compare(wide(sums[i]), 0.5 + g * value, step);
    compare(wide(sums[size + i]), 0.5 + g, step);
    dalpha += du * v;
    dshift += du;
    magnitude += (1 + std::abs(g)) * (1 + std::abs(v)) * (1 + std::abs(gamma[i]));
  }
  compare(wide(sums[2 * size]), dalpha, 16 * kRounding * magnitude);
  compare(wide(sums[2 * size + 1]), dshift, 16 * kRounding * magnitude);
  CHECK(worst == 0);
  CHECK(wide(dx.back()) == wide(kGuard));
  CHECK(sums.back() == 0.5f);
}

template <class T>
void check_all(const ElementLoops<T>& loops, int n, double sigma) {
  check_activation<T, Relu>(loops, 1, n, sigma);
  check_activation<T, Gelu>(loops, 8, n, sigma);
  check_activation<T, GeluTanh>(loops, 16, n, sigma);
  check_activation<T, Swish>(loops, 8, n, sigma);
  check_activation<T, Hardswish>(loops, 8, n, sigma);
  check_squash<T, Tanh>(loops, n, sigma);
  check_squash<T, Erf>(loops, n, sigma);
  check_map<T, std::plus<>, T, T>(loops, {}, 1, n, sigma);
  check_map<T, std::multiplies<>, T, T>(loops, {}, 1, n, sigma);
  check_map<T, Times<float>, T>(loops, {-0.75f}, 1, n, sigma);
  check_map<T, Bias, T, float>(loops, {}, 1, n, sigma);
  check_map<T, PreluValue<float>, T>(loops, {-0.75f}, 1, n, sigma);
}

TEMPLATE_TEST_CASE("each instruction set agrees with f64, whatever is left for the last register", "", float,
                   bf16) {
  std::vector<int> sizes = {16384};
  for (int n = 0; n <= 33; ++n) sizes.push_back(n);
  for (const auto& table : tables<TestType>()) {
    for (const int n : sizes) {
      for (const double sigma : {0.05, 1.0, 10.0}) {
        INFO(table.name << ", n " << n << ", sigma " << sigma);
        check_all<TestType>(*table.loops, n, sigma);
      }
    }
  }
}

TEMPLATE_TEST_CASE("activations have their asymptotes' values and slopes up to the largest number", "", float,
                   bf16) {
  const std::vector<TestType> x(17, TestType(3e38f)), low(17, TestType(-3e38f)), dy(17, TestType(2.0f));
  for (const auto& table : tables<TestType>()) {
    const auto check = [&]<class F>(F) {
      INFO(table.name << " " << F::kOp);
      std::vector<TestType> y(17);
      const auto forward = std::get<MapLoop<Value<F>, TestType, TestType>>(*table.loops);
      const auto backward = std::get<MapLoop<Gradient<F>, TestType, TestType, TestType>>(*table.loops);
      forward(17, y.data(), {}, x.data());
      for (const auto v : y) CHECK(wide(v) == wide(x[0]));
      forward(17, y.data(), {}, low.data());
      for (const auto v : y) CHECK(wide(v) == 0);
      backward(17, y.data(), {}, dy.data(), x.data());
      for (const auto v : y) CHECK(wide(v) == 2);
      backward(17, y.data(), {}, dy.data(), low.data());
      for (const auto v : y) CHECK(wide(v) == 0);
    };
    check(Relu{});
    check(Gelu{});
    check(GeluTanh{});
    check(Swish{});
  }
}

TEMPLATE_TEST_CASE("NaN stays NaN, in its own element only", "", float, bf16) {
  const TestType one(1.0f), nan(std::nanf(""));
  for (const auto& table : tables<TestType>()) {
    const auto check = [&]<class F>(F) {
      for (const std::size_t at : {0, 15, 32}) {
        INFO(table.name << " " << F::kOp << ", element " << at);
        std::vector<TestType> x(33, one), dy(33, one), y(33), dx(33);
        x[at] = nan;
        std::get<MapLoop<Value<F>, TestType, TestType>> (*table.loops)(33, y.data(), {}, x.data());
        std::get<MapLoop<Gradient<F>, TestType, TestType, TestType>> (*table.loops)(33, dx.data(), {},
                                                                                    dy.data(), x.data());
        for (std::size_t i = 0; i < 33; ++i) {
          CHECK(std::isnan(wide(y[i])) == (i == at));
          if constexpr (!std::is_same_v<F, Relu>) CHECK(std::isnan(wide(dx[i])) == (i == at));
        }
      }
    };
    check(Relu{});  // its gradient is 0 where x is no positive number
    check(Gelu{});
    check(GeluTanh{});
    check(Swish{});
    check(Hardswish{});
  }
}

}  // namespace
}  // namespace test
}  // namespace salu
