// SPDX-License-Identifier: MIT
/// Convolution and linear layers on the matrix unit, against plain loops in f64: with the software twin of
/// the tiles, with the machine code that uses them (emulated where the processor has none), and with both at
/// once, whose bits must be equal. Awkward shapes, threads, and sizes of chunks.
#include "core/ops/amx.h"

#include <array>
#include <cmath>

#include "bench/tile_rungs.h"
#include "core/ops/conv2d.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd/instruction_set.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/tile_emulator.h"

#define SALU_ISA tested_tiles
#include "core/simd/tiles.h"

namespace salu {

namespace emulated_tiles {  // tests/meson.build: the instructions, and nothing else that this CPU may lack
extern const TileKernels kernels;
}

namespace test {
namespace {

struct Case {
  std::int64_t n, h, w, c, k, r, s;
  Conv2dOptions options;
};

/// Channels that fill no block, groups of images that are not full, one pixel, one column, strides that skip
/// pixels at the end, filters larger than the image, padding wider than the filter.
const Case kCases[] = {
    {32, 4, 5, 64, 64, 3, 3, {1, 1}}, {20, 6, 5, 3, 16, 3, 3, {1, 1}},   {33, 5, 7, 16, 16, 3, 3, {1, 1}},
    {20, 9, 9, 16, 33, 3, 3, {2, 1}}, {32, 7, 8, 32, 64, 1, 1, {2, 0}},  {65, 3, 3, 96, 40, 3, 3, {1, 1}},
    {5, 11, 10, 3, 20, 7, 7, {2, 3}}, {31, 1, 1, 33, 35, 1, 1, {1, 0}},  {17, 1, 1, 8, 9, 3, 3, {1, 1}},
    {2, 4, 6, 20, 3, 2, 4, {1, 0}},   {34, 3, 3, 33, 70, 3, 3, {1, 2}},  {3, 5, 4, 5, 4, 3, 3, {1, 4}},
    {7, 9, 8, 5, 6, 3, 2, {3, 1}},    {9, 6, 6, 40, 34, 3, 1, {2, 1}},   {6, 5, 6, 12, 10, 1, 1, {1, 1}},
    {1, 2, 3, 1, 1, 1, 1, {1, 0}},    {40, 3, 2, 64, 130, 1, 1, {1, 0}}, {70, 4, 4, 2, 5, 4, 4, {4, 0}},
    {32, 5, 4, 32, 96, 3, 3, {1, 1}}, {33, 2, 2, 3, 3, 3, 3, {2, 1}},    {20, 7, 6, 64, 33, 3, 3, {2, 1}},
    {5, 10, 9, 32, 40, 3, 3, {3, 2}},
};

constexpr float kGuard = -12345;

/// Normal numbers, rounded to bf16.
Tensor random(const Shape& shape, std::uint32_t stream) {
  Rng rng({11, Purpose::test, 0, stream});
  Tensor t = Tensor::empty(shape, DType::bf16);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data<bf16>()[i] = bf16(static_cast<float>(rng.normal()));
  return t;
}

/// A tensor between guards that nothing may write.
class Guarded {
 public:
  Guarded(const Shape& shape, DType dtype, double value)
      : all_(Tensor::full({shape.numel() + 2 * kWidth}, double{kGuard}, dtype)),
        inner(all_.narrow(kWidth, shape)) {
    inner.fill(value);
  }
  void check() const {
    const auto values = all_.values<double>();
    const double guard = Tensor::full({1}, double{kGuard}, all_.dtype()).to(DType::f64).item();
    for (std::size_t i = 0; i < kWidth; ++i) {
      REQUIRE(values[i] == guard);
      REQUIRE(values[values.size() - 1 - i] == guard);
    }
  }

 private:
  static constexpr std::int64_t kWidth = 64;
  Tensor all_;

 public:
  Tensor inner;
};

struct Results {
  Tensor y, dx, dw;
};

/// dw starts at 1/2, since it is added to.
Results run(const Case& t, const TileKernels& kernels) {
  const Shape xs{t.n, t.h, t.w, t.c}, ws{t.k, t.r, t.s, t.c}, ys = conv2d_output_shape(xs, ws, t.options);
  const Tensor x = random(xs, 1), w = random(ws, 2), dy = random(ys, 3);
  Guarded y(ys, DType::bf16, 99), dx(xs, DType::bf16, 99), dw(ws, DType::f32, 0.5);
  amx::conv2d_forward(y.inner, x, w, t.options, kernels);
  amx::conv2d_backward_data(dx.inner, dy, w, t.options, kernels);
  amx::conv2d_backward_weight(dw.inner, dy, x, t.options, kernels);
  for (const Guarded* g : {&y, &dx, &dw}) g->check();
  return {y.inner, dx.inner, dw.inner};
}

/// The definition in core/ops/conv2d.h, in f64.
Results expected(const Case& t) {
  const Shape xs{t.n, t.h, t.w, t.c}, ws{t.k, t.r, t.s, t.c}, ys = conv2d_output_shape(xs, ws, t.options);
  const auto x = random(xs, 1).values<double>(), w = random(ws, 2).values<double>(),
             dy = random(ys, 3).values<double>();
  std::vector<double> y(dy.size()), dx(x.size()), dw(w.size(), 0.5);
  for (std::int64_t i = 0; i < ys.numel(); ++i) {
    const std::int64_t k = i % t.k, q = i / t.k % ys[2], p = i / t.k / ys[2] % ys[1],
                       n = i / t.k / ys[2] / ys[1];
    for (std::int64_t tap = 0; tap < t.r * t.s; ++tap) {
      const std::int64_t h = p * t.options.stride + tap / t.s - t.options.padding;
      const std::int64_t v = q * t.options.stride + tap % t.s - t.options.padding;
      if (h < 0 || h >= t.h || v < 0 || v >= t.w) continue;
      for (std::int64_t c = 0; c < t.c; ++c) {
        const auto ix = static_cast<std::size_t>(((n * t.h + h) * t.w + v) * t.c + c),
                   iw = static_cast<std::size_t>((k * t.r * t.s + tap) * t.c + c),
                   iy = static_cast<std::size_t>(i);
        y[iy] += x[ix] * w[iw], dx[ix] += dy[iy] * w[iw], dw[iw] += dy[iy] * x[ix];
      }
    }
  }
  return {Tensor::from(ys, y), Tensor::from(xs, dx), Tensor::from(ws, dw)};
}

std::string name(const Case& t) {
  return fmt::format("x ({},{},{},{}), w ({},{},{},{}), stride {}, padding {}", t.n, t.h, t.w, t.c, t.k, t.r,
                     t.s, t.c, t.options.stride, t.options.padding);
}

double largest(const Tensor& t) {
  double m = 0;
  for (const double v : t.values<double>()) m = std::max(m, std::abs(v));
  return m;
}

/// y and dx: half a step of bf16, 2^-8, and f32 sums of at most 1100 terms of size 1. dw: f32.
void require_close(const Results& got, const Results& want) {
  CHECK(compare(got.y, want.y, {0x1.01p-8, 1e-5}) == "");
  CHECK(compare(got.dx, want.dx, {0x1.01p-8, 1e-5}) == "");
  CHECK(compare(got.dw, want.dw, {0, 1e-5 * largest(want.dw)}) == "");
}
void require_same_bits(const Results& got, const Results& want) {
  REQUIRE(compare_bits(got.y, want.y) == "");
  REQUIRE(compare_bits(got.dx, want.dx) == "");
  REQUIRE(compare_bits(got.dw, want.dw) == "");
}

struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(0); }
};

}  // namespace

TEST_CASE("convolution by tiles agrees with loops in f64") {
  for (const Case& t : kCases) {
    INFO(name(t));
    require_close(run(t, software_tiles::kernels), expected(t));
  }
}

TEST_CASE("bits depend neither on threads nor on what fits the cache") {
  for (const Case& t : kCases) {
    INFO(name(t));
    const Results one = [&] {
      const Threads threads(1);
      return run(t, software_tiles::kernels);
    }();
    for (const auto& [n, bytes] : {std::pair{2, 1}, {3, 40 << 10}, {1, 1 << 30}}) {
      const Threads threads(n);
      TileKernels kernels = software_tiles::kernels;
      kernels.cache_bytes = bytes;
      require_same_bits(run(t, kernels), one);
    }
  }
}

TEST_CASE("the machine code with tiles has the bits of its software twin") {
  const TileEmulator emulator;
  for (const std::size_t i : {1, 2, 3, 7, 10, 17, 20}) {
    INFO(name(kCases[i]));
    require_same_bits(run(kCases[i], emulated_tiles::kernels), run(kCases[i], software_tiles::kernels));
  }
  WARN(TileEmulator::executed() << " emulated instructions");
}

TEST_CASE("the matrix unit has the bits of its software twin") {
  if (!matrix_unit()) {
    WARN("skipped: this processor has no matrix unit (instruction set " << instruction_set() << ")");
    return;
  }
  for (const Case& t : kCases) {
    INFO(name(t));
    require_same_bits(run(t, amx_tiles::kernels), run(t, software_tiles::kernels));
  }
}

TEST_CASE("linear layers by tiles agree with loops in f64") {
  for (const auto& [rows, c, k] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {17, 33, 10}, {64, 20, 35}, {99, 64, 130}}) {
    INFO(fmt::format("{} rows, {} -> {} columns", rows, c, k));
    const Tensor x = random({rows, c}, 1), w = random({k, c}, 2), dy = random({rows, k}, 3);
    const Tensor b = random({k}, 4).to(DType::f32);
    Guarded y({rows, k}, DType::bf16, 99), dx({rows, c}, DType::bf16, 99), dw({k, c}, DType::f32, 0.5);
    amx::linear_forward(y.inner, x, w, b, software_tiles::kernels);
    amx::linear_backward_input(dx.inner, dy, w, software_tiles::kernels);
    amx::linear_backward_weight(dw.inner, dy, x, software_tiles::kernels);
    Results want = expected({rows, 1, 1, c, k, 1, 1, {1, 0}});
    for (std::int64_t i = 0; i < rows * k; ++i) want.y.data<double>()[i] += double{b.data<float>()[i % k]};
    require_close({y.inner, dx.inner, dw.inner},
                  {want.y.view({rows, k}), want.dx.view({rows, c}), want.dw.view({k, c})});
    for (const Guarded* g : {&y, &dx, &dw}) g->check();
  }
}

namespace {

/// One product of blocks by the software tiles: A as it is, B in pairs.
std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b, float start) {
  using namespace tested_tiles;
  const TileScope scope;
  std::vector<Bits> pa(kBlock), pb(kBlock);
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      const auto from = static_cast<std::size_t>(i * kSide + j);
      pa[from] = bf16(a[from]).bits;
      pb[static_cast<std::size_t>(j / 16 * 512 + i / 2 * 32 + j % 16 * 2 + i % 2)] = bf16(b[from]).bits;
    }
  }
  std::vector<float> c(kBlock, start);
  load_sums(c.data());
  multiply_blocks<true>(pa.data(), pb.data());
  store_sums(c.data());
  return c;
}

}  // namespace

TEST_CASE("a product of blocks agrees with f64") {
  const auto a = random({kSide, kSide}, 5).values<float>(), b = random({kSide, kSide}, 6).values<float>();
  const std::vector<float> c = product(a, b, 3);
  for (int i = 0; i < kBlock; ++i) {
    double sum = 3;
    for (int k = 0; k < kSide; ++k) {
      sum += double{a[static_cast<std::size_t>(i / kSide * kSide + k)]} *
             double{b[static_cast<std::size_t>(k * kSide + i % kSide)]};
    }
    REQUIRE(std::abs(double{c[static_cast<std::size_t>(i)]} - sum) < 2e-5);
  }
}

TEST_CASE("the rungs of the ladder agree") {
  const bench::Sizes s{64, 96, 160};
  const Tensor a = random({s.m, s.k}, 7), b = random({s.k, s.n}, 8);
  const auto bits = [](const Tensor& t) { return static_cast<const Bits*>(t.raw()); };
  Tensor loops = Tensor::empty({s.m, s.n}), packed_a = Tensor::empty(a.shape(), DType::bf16),
         packed_b = Tensor::empty(b.shape(), DType::bf16);
  bench::rung1_loops(loops.data<float>(), bits(a), bits(b), s);
  const auto pack = [](Operand operand, const Tensor& from, Tensor& to, std::int64_t down,
                       std::int64_t right) {
    for (std::int64_t i = 0; i < from.dim(0); i += kSide) {  // a row of one position
      const std::int64_t columns = from.dim(1);
      const PixelRow row{
          static_cast<const Bits*>(from.raw()) + i * columns, columns, kSide, columns, 1, 0, 0, columns};
      software_tiles::kernels.pack(operand, row, static_cast<Bits*>(to.raw()) + i / kSide * down, 0, right);
    }
  };
  pack(Operand::a, a, packed_a, s.k * kSide, kBlock);
  pack(Operand::b, b, packed_b, kBlock, s.k * kSide);
  for (const auto rung : {bench::rung2_tile, bench::rung3_sums_stay, bench::rung4_blocks}) {
    Tensor c = Tensor::full({s.m, s.n}, 99);
    rung(c.data<float>(), bits(packed_a), bits(packed_b), s);
    CHECK(compare(c, loops, {0, 2e-5}) == "");
  }
}

TEST_CASE("a product of tiles sums, rounds and flushes in the documented order") {
  const auto row_by_ones = [](std::vector<float> row, float start) {
    std::vector<float> a(kBlock), b(kBlock, 1);
    std::copy(row.begin(), row.end(), a.begin());
    return product(a, b, start)[0];
  };
  constexpr float big = 0x1p27f, tiny = 0x1p-127f, small = 0x1p-126f;
  CHECK(row_by_ones({big, 0, 1, 0, -big}, 0) == 0);  // the even sum loses 1
  CHECK(row_by_ones({big, 1, 0, 0, -big}, 0) == 1);  // the odd one keeps it
  CHECK(row_by_ones({big, 0, -big, 0, 1}, 0) == 1);  // in the order of the pairs
  CHECK(row_by_ones({1, 0, 0, 0}, big) == big);      // c comes last
  CHECK(row_by_ones({-big, 0, 1, 0}, big) == 0);
  CHECK(row_by_ones({tiny, tiny, tiny, tiny}, 0) == 0);  // a denormal input is zero
  CHECK(row_by_ones({1.5f * small, -small}, 0) == 0);    // so is a denormal sum
  CHECK(row_by_ones({2 * small, 2 * small}, 0) == 4 * small);
  CHECK(std::isnan(row_by_ones({INFINITY, -INFINITY}, 0)));
}

TEST_CASE("sums are rounded to the nearest bf16") {
  std::vector<float> from{1,     1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.01p-8f, -3.14159f, 0x1.ffp127f,
                          1e38f, 0x1p-140f,   -0.0f,       INFINITY,       -INFINITY, 0x1p-126f};
  from.resize(kSide, 0.1f);
  Bits to[kSide];
  tested_tiles::round_row(to, from.data(), kSide);
  for (std::size_t i = 0; i < kSide; ++i) {
    INFO(from[i]);
    CHECK(to[i] == (i == 7 ? 0 : bf16(from[i]).bits));
  }
  from[0] = NAN;
  tested_tiles::round_row(to, from.data(), kSide);
  CHECK(to[0] == bf16(NAN).bits);
}

}  // namespace test
}  // namespace salu
