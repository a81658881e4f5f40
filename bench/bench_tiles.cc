// SPDX-License-Identifier: MIT
/// The matrix unit: the rungs of docs/tile-kernel.md, and the convolutions of salunet_c18 and salunet_c20,
/// each beside oneDNN in bf16 and in f32.
///   build/bench/bench_tiles [THREADS [BATCH [REPEATS]]]
#include <fmt/format.h>

#include "bench/onednn_bf16.h"
#include "bench/tile_rungs.h"
#include "bench/timing.h"
#include "core/ops/amx.h"
#include "core/ops/onednn.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd/instruction_set.h"

namespace salu::bench {
namespace {

/// Numbers, not zeros: products of zeros draw less power and run faster.
Tensor numbers(const Shape& shape) {
  Rng rng({1, Purpose::test, 0, 0});
  Tensor t = Tensor::empty(shape, DType::bf16);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data<bf16>()[i] = bf16(2 * rng.uniform() - 1);
  return t;
}
const Bits* bits(const Tensor& t) { return reinterpret_cast<const Bits*>(t.data<bf16>()); }

std::string rate(const Timed& t, double flop) {
  return fmt::format("{:>6.0f} ({:.0f}..{:.0f})", flop / t.median() * 1e-9, flop / t.quantile(0.9) * 1e-9,
                     flop / t.quantile(0.1) * 1e-9);
}

/// One thread, sizes whose A, B and C fit the L2 cache.
void rungs(int repeats) {
  set_num_threads(1);
  const Sizes s{512, 256, 512};
  const Tensor a = numbers({s.m, s.k}), b = numbers({s.k, s.n}), w = numbers({s.n, s.k});
  Tensor c = Tensor::empty({s.m, s.n}), y = Tensor::empty({s.m, s.n}, DType::bf16);
  float* sums = c.data<float>();
  std::vector<Timed> all{
      {"1 three loops", [&] { rung1_loops(sums, bits(a), bits(b), s); }},
      {"2 one tile", [&] { rung2_tile(sums, bits(a), bits(b), s); }},
      {"3 sums stay", [&] { rung3_sums_stay(sums, bits(a), bits(b), s); }},
      {"4 two by two tiles", [&] { rung4_blocks(sums, bits(a), bits(b), s); }},
      {"5 linear_forward", [&] { amx::linear_forward(y, a, w, {}); }},
  };
  time_interleaved(all, repeats);
  fmt::print("{} x {} x {}, one thread, GFLOP/s: median (10 %..90 %)\n", s.m, s.n, s.k);
  for (const Timed& t : all)
    fmt::print("{:<22} {}\n", t.name, rate(t, 2.0 * static_cast<double>(s.m * s.n * s.k)));
}

struct Layer {
  const char* net;
  int count;  ///< of this shape in the network
  std::int64_t c, h, k, r, stride;
};
constexpr Layer kLayers[] = {
    {"c18", 1, 3, 32, 64, 3, 1},    {"c18", 4, 64, 32, 64, 3, 1},   {"c18", 1, 64, 32, 128, 3, 2},
    {"c18", 3, 128, 16, 128, 3, 1}, {"c18", 1, 64, 32, 128, 1, 2},  {"c18", 1, 128, 16, 256, 3, 2},
    {"c18", 3, 256, 8, 256, 3, 1},  {"c18", 1, 128, 16, 256, 1, 2}, {"c18", 1, 256, 8, 512, 3, 2},
    {"c18", 3, 512, 4, 512, 3, 1},  {"c18", 1, 256, 8, 512, 1, 2},  {"c20", 1, 3, 32, 16, 3, 1},
    {"c20", 6, 16, 32, 16, 3, 1},   {"c20", 1, 16, 32, 32, 3, 2},   {"c20", 5, 32, 16, 32, 3, 1},
    {"c20", 1, 16, 32, 32, 1, 2},   {"c20", 1, 32, 16, 64, 3, 2},   {"c20", 5, 64, 8, 64, 3, 1},
    {"c20", 1, 32, 16, 64, 1, 2},
};

void layer(const Layer& l, std::int64_t n, int repeats) {
  const Conv2dOptions o{l.stride, l.r / 2};
  const Shape ws{l.k, l.r, l.r, l.c};
  Tensor x = numbers({n, l.h, l.h, l.c}), w = numbers(ws), dw = Tensor::zeros(ws);
  Tensor y = numbers(conv2d_output_shape(x.shape(), ws, o));
  Tensor wide_x = x.to(DType::f32), wide_w = w.to(DType::f32), wide_y = y.to(DType::f32);
  OneDnnBf16 forward(Pass::forward, x, w, y, o), data(Pass::backward_data, x, w, y, o),
      weight(Pass::backward_weight, x, w, y, o);
  std::vector<Timed> all{
      {"y", [&] { amx::conv2d_forward(y, x, w, o); }},
      {"", [&] { forward(); }},
      {"", [&] { onednn::conv2d_forward(wide_y, wide_x, wide_w, o); }},
      {"dx", [&] { amx::conv2d_backward_data(x, y, w, o); }},
      {"", [&] { data(); }},
      {"", [&] { onednn::conv2d_backward_data(wide_x, wide_y, wide_w, o); }},
      {"dw", [&] { amx::conv2d_backward_weight(dw, y, x, o); }},
      {"", [&] { weight(); }},
      {"", [&] { onednn::conv2d_backward_weight(dw, wide_y, wide_x, o); }},
  };
  time_interleaved(all, repeats);
  const double flop = 2.0 * static_cast<double>(y.numel() * l.r * l.r * l.c);
  for (std::size_t i = 0; i < all.size(); i += 3) {
    fmt::print("{} {:>2} x {:>3}@{:<2} -> {:>3}, {}x{}/{} {:<2} {:>22} {:>22} {:>22}\n", l.net, l.count, l.c,
               l.h, l.k, l.r, l.r, l.stride, all[i].name, rate(all[i], flop), rate(all[i + 1], flop),
               rate(all[i + 2], flop));
  }
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  using namespace salu;
  if (!matrix_unit()) {
    fmt::print("this processor has no matrix unit: its instruction set is {}\n", instruction_set());
    return 0;
  }
  const int repeats = argc > 3 ? std::atoi(argv[3]) : 11;
  const std::int64_t batch = argc > 2 ? std::atoll(argv[2]) : 32;
  bench::rungs(repeats);
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  fmt::print("\nbatch {}, {} threads, GFLOP/s: ours, oneDNN bf16, oneDNN f32\n", batch, num_threads());
  for (const bench::Layer& l : bench::kLayers) bench::layer(l, batch, repeats);
}
