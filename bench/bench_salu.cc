// SPDX-License-Identifier: MIT
/// SALU, SWALU, GALU and the fused forms, forward and backward with scalar gradients, against the same
/// function as a chain of one-pass tensor ops and against the machine's copy bandwidth.
///   build/bench/bench_salu [THREADS [ELEMENTS]]
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>

#include "bench/timing.h"
#include "core/ops/salu.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd/instruction_set.h"

namespace salu::bench {
namespace {

using Array = std::vector<float>;

/// One tensor op: a pass over its inputs that writes a new array. The compiler vectorises these loops.
template <class F, class... In>
void pass(Array& out, F f, const In&... in) {
  float* o = out.data();
  [&](const auto*... p) {
    parallel_for(static_cast<std::int64_t>(out.size()), kElementwiseGrain,
                 [=](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) o[i] = f(p[i]...);
                 });
  }(in.data()...);
}

double dot(const Array& a, const Array& b) {
  return parallel_sum<double>(
      static_cast<std::int64_t>(a.size()), kElementwiseGrain, [&](auto begin, auto end) {
        float lanes[16] = {};
        std::int64_t i = begin;
        for (; i + 16 <= end; i += 16) {
          for (int k = 0; k < 16; ++k)
            lanes[k] += a[static_cast<std::size_t>(i + k)] * b[static_cast<std::size_t>(i + k)];
        }
        double sum = 0;
        for (const float lane : lanes) sum += static_cast<double>(lane);
        for (; i < end; ++i)
          sum += static_cast<double>(a[static_cast<std::size_t>(i)] * b[static_cast<std::size_t>(i)]);
        return sum;
      });
}

/// a x / sqrt(1 + ab x^2) as a framework without the op runs it: six passes forward, eight and two sums
/// backward.
struct SaluChain {
  Array square, scaled, shifted, root, numerator, y, g1, g2, g3, g4;
  float a = 1.316f, ab = 1.0f;
  double da = 0, dab = 0;

  explicit SaluChain(std::size_t n)
      : square(n), scaled(n), shifted(n), root(n), numerator(n), y(n), g1(n), g2(n), g3(n), g4(n) {}

  const Array& forward(const Array& x) {
    pass(
        square, [](float v) { return v * v; }, x);
    pass(
        scaled, [ab = ab](float v) { return v * ab; }, square);
    pass(
        shifted, [](float v) { return v + 1; }, scaled);
    pass(
        root, [](float v) { return std::sqrt(v); }, shifted);
    pass(
        numerator, [a = a](float v) { return v * a; }, x);
    pass(
        y, [](float n, float d) { return n / d; }, numerator, root);
    return y;
  }
  /// The gradient of x ends in g1.
  const Array& backward(const Array& dy, const Array& x) {
    pass(
        g1, [](float g, float d) { return g / d; }, dy, root);  // of the numerator
    pass(
        g2, [](float g, float v, float d) { return -g * v / d; }, g1, numerator, root);  // of the root
    pass(
        g3, [](float g, float d) { return 0.5f * g / d; }, g2, root);  // of the sum
    dab += dot(g3, square);
    da += dot(g1, x);
    pass(
        g4, [ab = ab](float g) { return g * ab; }, g3);  // of the square
    pass(
        g3, [](float g, float v) { return 2 * g * v; }, g4, x);
    pass(
        g2, [a = a](float g) { return g * a; }, g1);
    pass(
        g1, [](float u, float v) { return u + v; }, g2, g3);
    return g1;
  }
};

/// x/2 (1 + s(inner)), where inner is x (SWALU) or psi(x) (GALU).
struct GateChain {
  SaluChain s;
  bool galu;
  Array psi, plus, half, y, g1, g2, g3;
  GateChain(std::size_t n, bool is_galu)
      : s(n), galu(is_galu), psi(n), plus(n), half(n), y(n), g1(n), g2(n), g3(n) {}

  const Array& forward(const Array& x) {
    if (galu) {
      pass(
          g1, [](float v) { return v * v; }, x);
      pass(
          g2, [](float v) { return 0.044715f * v; }, g1);
      pass(
          g3, [](float v) { return v + 1; }, g2);
      pass(
          g1, [](float v) { return 0.79788456f * v; }, x);
      pass(
          psi, [](float u, float v) { return u * v; }, g1, g3);
    }
    pass(
        plus, [](float v) { return v + 1; }, s.forward(galu ? psi : x));
    pass(
        half, [](float v) { return 0.5f * v; }, x);
    pass(
        y, [](float u, float v) { return u * v; }, half, plus);
    return y;
  }
  const Array& backward(const Array& dy, const Array& x) {
    pass(
        g1, [](float g, float v) { return g * v; }, dy, plus);
    pass(
        g2, [](float g) { return 0.5f * g; }, g1);
    pass(
        g1, [](float g, float v) { return g * v; }, dy, half);
    const Array& inner = s.backward(g1, galu ? psi : x);
    if (galu) {  // psi' = 0.79788456 (1 + 3 k x^2), as four more passes
      pass(
          g1, [](float v) { return v * v; }, x);
      pass(
          g3, [](float v) { return 0.134145f * v; }, g1);
      pass(
          g1, [](float v) { return 0.79788456f * (v + 1); }, g3);
      pass(
          g3, [](float g, float v) { return g * v; }, inner, g1);
    }
    pass(
        g1, [](float u, float v) { return u + v; }, g2, galu ? g3 : inner);
    return g1;
  }
};

struct Setup {
  std::int64_t n;
  Tensor x, dy, residual, y;
  Array ax, ady;
  SaluInputs single, fused, fused_add;
  SaluGradients out;

  explicit Setup(std::int64_t elements)
      : n(elements),
        x(Tensor::empty({n})),
        dy(Tensor::empty({n})),
        residual(Tensor::empty({n})),
        y(Tensor::empty({n})),
        out{Tensor::empty({n}), Tensor::empty({n}), zeros(), zeros()} {
    Rng rng({3, Purpose::test, 0, 0});
    for (Tensor* t : {&x, &dy, &residual, &y, &out.dx, &out.dresidual}) {
      for (std::int64_t i = 0; i < n; ++i) t->data<float>()[i] = 2 * rng.uniform() - 1;
    }
    ax.assign(x.data<float>(), x.data<float>() + n);
    ady.assign(dy.data<float>(), dy.data<float>() + n);
    const Tensor zero = Tensor::zeros({1});
    single = {.x = x, .first = {zero, zero}};
    fused = {.x = x, .first = {zero, zero}, .gate = {zero, zero}};
    fused_add = {.x = x, .first = {zero, zero}, .gate = {zero, zero}, .residual = residual};
  }
  static CoefficientGradients<Tensor> zeros() { return {Tensor::zeros({1}), Tensor::zeros({1})}; }
};

/// `tensors`: how many the op reads and writes.
void report(const Timed& timed, double copy_rate, int tensors, double n) {
  const double rate = tensors * 4 * n / timed.median();
  fmt::print("{:<28} {:>7.3f} ns ({:.3f}..{:.3f}) {:>6.2f} GB/s {:>5.2f} of copy\n", timed.name,
             timed.median() / n * 1e9, timed.quantile(0.1) / n * 1e9, timed.quantile(0.9) / n * 1e9,
             rate * 1e-9, rate / copy_rate);
}

enum Body {
  copy,
  salu_f,
  salu_b,
  swalu_f,
  swalu_b,
  galu_f,
  galu_b,
  mid_f,
  mid_b,
  end_f,
  end_b,
  salu_c,
  swalu_c,
  galu_c
};

/// One entry per Body, in its order.
std::vector<Timed> bodies(Setup& s, SaluChain& salu_chain, GateChain& swalu_chain, GateChain& galu_chain) {
  const auto copy_all = [&s] {
    parallel_for(s.n, 1 << 18, [&s](std::int64_t begin, std::int64_t end) {
      std::memcpy(s.y.data<float>() + begin, s.x.data<float>() + begin,
                  static_cast<std::size_t>(end - begin) * 4);
    });
  };
  return {
      {"copy", copy_all},
      {"salu forward", [&] { salu_op.forward({}, s.y, s.single); }},
      {"salu backward", [&] { salu_op.backward({}, s.out, s.dy, s.single); }},
      {"swalu forward", [&] { swalu_op.forward({}, s.y, s.single); }},
      {"swalu backward", [&] { swalu_op.backward({}, s.out, s.dy, s.single); }},
      {"galu forward", [&] { galu_op.forward({}, s.y, s.single); }},
      {"galu backward", [&] { galu_op.backward({}, s.out, s.dy, s.single); }},
      {"salu, swalu forward", [&] { salu_swalu_op.forward({}, s.y, s.fused); }},
      {"salu, swalu backward", [&] { salu_swalu_op.backward({}, s.out, s.dy, s.fused); }},
      {"salu, add, swalu forward", [&] { salu_add_swalu_op.forward({}, s.y, s.fused_add); }},
      {"salu, add, swalu backward", [&] { salu_add_swalu_op.backward({}, s.out, s.dy, s.fused_add); }},
      {"salu chain", [&] { salu_chain.forward(s.ax), salu_chain.backward(s.ady, s.ax); }},
      {"swalu chain", [&] { swalu_chain.forward(s.ax), swalu_chain.backward(s.ady, s.ax); }},
      {"galu chain", [&] { galu_chain.forward(s.ax), galu_chain.backward(s.ady, s.ax); }},
  };
}

void run(std::int64_t n) {
  Setup s(n);
  const auto size = static_cast<std::size_t>(n);
  SaluChain salu_chain(size);
  GateChain swalu_chain(size, false), galu_chain(size, true);
  std::vector<Timed> t = bodies(s, salu_chain, swalu_chain, galu_chain);
  time_interleaved(t, 21);
  const double elements = static_cast<double>(n), copy_rate = 8 * elements / t[copy].median();
  fmt::print("{} elements, {} threads, {}; copy {:.2f} GB/s (read + write)\n", n, num_threads(),
             instruction_set(), copy_rate * 1e-9);
  for (int i = salu_f; i <= end_b; ++i) {
    const bool forward = (i - salu_f) % 2 == 0, adds = i == end_f || i == end_b;
    report(t[static_cast<std::size_t>(i)], copy_rate, (forward ? 2 : 3) + (adds ? (forward ? 1 : 2) : 0),
           elements);
  }
  for (const auto& [f, b, c] :
       {std::array{salu_f, salu_b, salu_c}, {swalu_f, swalu_b, swalu_c}, {galu_f, galu_b, galu_c}}) {
    fmt::print("{:<28} forward and backward are {:.2f} x as fast\n", t[c].name,
               t[c].median() / (t[f].median() + t[b].median()));
  }
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  salu::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  salu::bench::run(argc > 2 ? std::atoll(argv[2]) : 4 << 20);
}
