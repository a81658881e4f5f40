// SPDX-License-Identifier: MIT
/// Every rung of the ladder of products, against plain loops in f64.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "cuda/kernels/gemm.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/op_samples.h"

namespace salu::test {
namespace {

using cuda::Factor;
using cuda::GemmRung;

/// The rungs that differ: f32 does not use tensor cores.
std::vector<GemmRung> rungs_of(DType dtype) {
  std::vector<GemmRung> rungs = {GemmRung::naive, GemmRung::shared_tiles, GemmRung::register_tiles};
  if (dtype == DType::bf16) rungs.push_back(GemmRung::tensor_cores);
  return rungs;
}

struct Size {
  std::int64_t m, n, k;
};

/// A matrix of whole numbers from -3 to 3, or of normal ones, in a larger block: it starts `shift` elements
/// into it, and rows are `gap` longer than needed.
struct Block {
  Tensor storage;  // f64, the values of `dtype`
  DType dtype;
  std::int64_t rows, columns, pitch, shift;

  Block(std::int64_t r, std::int64_t c, DType type, std::int64_t gap, std::int64_t offset, std::uint32_t tag,
        bool whole)
      : dtype(type), rows(r), columns(c), pitch(c + gap), shift(offset) {
    storage = random_tensor({shift + rows * pitch}, tag).to(dtype).to(DType::f64);
    if (!whole) return;
    for (std::int64_t i = 0; i < storage.numel(); ++i) {
      storage.data<double>()[i] = std::clamp(std::round(2 * storage.data<double>()[i]), -3.0, 3.0);
    }
  }
  double at(std::int64_t i, std::int64_t j) const { return storage.data<double>()[shift + i * pitch + j]; }
};

/// One call of gemm: its factors and C on the CPU, in f64.
struct Problem {
  Size size;
  bool transpose_a, transpose_b;
  Block a, b, c;
  Tensor bias;  // undefined: none
  float alpha, beta;

  double product(std::int64_t i, std::int64_t j, bool magnitude) const {
    double sum = 0;
    for (std::int64_t k = 0; k < size.k; ++k) {
      const double term = (transpose_a ? a.at(k, i) : a.at(i, k)) * (transpose_b ? b.at(j, k) : b.at(k, j));
      sum += magnitude ? std::abs(term) : term;
    }
    return sum;
  }
  /// The block of C after the call, what lies between the rows unchanged; with `magnitude` the sum of the
  /// absolute values of all terms instead.
  Tensor expected(bool magnitude = false) const {
    Tensor out = c.storage.clone();
    for (std::int64_t i = 0; i < size.m; ++i) {
      for (std::int64_t j = 0; j < size.n; ++j) {
        const double before = beta == 0 ? 0 : beta * c.at(i, j),
                     add = bias.defined() ? bias.data<double>()[j] : 0;
        const double sum = alpha * product(i, j, magnitude);
        out.data<double>()[c.shift + i * c.pitch + j] =
            magnitude ? sum + std::abs(before) + std::abs(add) : sum + before + add;
      }
    }
    return out;
  }
};

template <class T>
Factor<T> factor(const Tensor& on_device, const Block& block, bool transposed) {
  return {on_device.data<T>() + block.shift, block.pitch, transposed};
}

/// The whole block of C after the call.
template <class T, class Out>
Tensor run(const Problem& p, GemmRung rung = cuda::gemm_rung()) {
  const Device device = cuda_device();
  const Tensor a = p.a.storage.to(dtype_of<T>).to(device), b = p.b.storage.to(dtype_of<T>).to(device);
  Tensor before = p.c.storage.to(dtype_of<Out>), bias;
  if (p.beta == 0) {  // must not be read
    for (std::int64_t i = 0; i < p.size.m; ++i) {
      for (std::int64_t j = 0; j < p.size.n; ++j)
        before.data<Out>()[p.c.shift + i * p.c.pitch + j] = Out(NAN);
    }
  }
  Tensor c = before.to(device);
  if (p.bias.defined()) bias = p.bias.to(DType::f32).to(device);
  cuda::gemm<T, Out>({.m = p.size.m,
                      .n = p.size.n,
                      .k = p.size.k,
                      .a = factor<T>(a, p.a, p.transpose_a),
                      .b = factor<T>(b, p.b, p.transpose_b),
                      .c = c.data<Out>() + p.c.shift,
                      .c_pitch = p.c.pitch,
                      .alpha = p.alpha,
                      .beta = p.beta,
                      .bias = p.bias.defined() ? bias.data<float>() : nullptr},
                     rung);
  return c.to(Device{});
}

/// The layout of the operands. A `shift` and `gap` of 0 allow 16-byte packs where the sizes do.
struct Layout {
  bool transpose_a = false, transpose_b = false;
  std::int64_t shift = 0, gap = 0;
  float alpha = 1, beta = 0;
  bool bias = false, whole = true;
};

template <class T, class Out>
Problem problem(Size s, const Layout& l) {
  const auto rows = [](bool transposed, std::int64_t r, std::int64_t c) { return transposed ? c : r; };
  const DType in = dtype_of<T>;
  return {.size = s,
          .transpose_a = l.transpose_a,
          .transpose_b = l.transpose_b,
          .a = Block(rows(l.transpose_a, s.m, s.k), rows(l.transpose_a, s.k, s.m), in, l.gap, l.shift, 1,
                     l.whole),
          .b = Block(rows(l.transpose_b, s.k, s.n), rows(l.transpose_b, s.n, s.k), in, l.gap, l.shift, 2,
                     l.whole),
          .c = Block(s.m, s.n, dtype_of<Out>, l.gap, l.shift, 3, l.whole),
          .bias = l.bias ? Block(1, s.n, DType::f32, 0, 0, 4, l.whole).storage : Tensor{},
          .alpha = l.alpha,
          .beta = l.beta};
}

/// Whole numbers leave nothing to round but the result: every rung must give the same bits.
template <class T, class Out>
void check_exact(Size size, const Layout& layout) {
  const Problem p = problem<T, Out>(size, layout);
  const Tensor expected = p.expected().to(dtype_of<Out>);
  for (const GemmRung rung : rungs_of(dtype_of<T>)) {
    INFO("(" << size.m << "," << size.n << "," << size.k << ") rung " << static_cast<int>(rung) - 1
             << " transposed " << layout.transpose_a << layout.transpose_b << " shift " << layout.shift
             << " gap " << layout.gap << " in " << dtype_name(dtype_of<T>) << " out "
             << dtype_name(dtype_of<Out>));
    CHECK(compare_bits(run<T, Out>(p, rung), expected) == "");
  }
}

TEST_CASE("every rung is exact on whole numbers, for all transposes and awkward sizes") {
  set_num_threads(1);
  for (const Size size :
       {Size{1, 1, 1}, Size{3, 5, 7}, Size{33, 31, 1}, Size{17, 65, 19}, Size{0, 4, 3}, Size{4, 0, 3},
        Size{4, 3, 0}, Size{64, 64, 32}, Size{66, 65, 17}, Size{8, 16, 24}}) {
    for (int i = 0; i < 4; ++i) {
      const Layout layout{.transpose_a = i / 2 == 1, .transpose_b = i % 2 == 1};
      check_exact<float, float>(size, layout);
      check_exact<bf16, bf16>(size, layout);
    }
  }
  for (const bool across_k : {false, true}) {  // the large tiles, in both orders of memory
    const Layout layout{.transpose_a = across_k, .transpose_b = !across_k};
    check_exact<float, float>({72, 136, 40}, layout);
    check_exact<bf16, bf16>({72, 136, 40}, layout);
  }
}

TEST_CASE("shifted operands, rows with gaps, alpha, beta and bias") {
  set_num_threads(1);
  for (const std::int64_t shift : {0, 1}) {
    for (const std::int64_t gap : {0, 3, 8}) {
      Layout layout{.shift = shift, .gap = gap, .alpha = 0.5f, .beta = 2, .bias = true};
      check_exact<float, float>({24, 40, 16}, layout);
      check_exact<bf16, bf16>({24, 40, 16}, layout);
      layout.transpose_a = true;
      check_exact<bf16, float>({24, 42, 17}, layout);
    }
  }
}

TEST_CASE("long sums are split, and the parts added") {
  set_num_threads(1);
  const Layout weight_gradient{.transpose_a = true, .beta = 1};
  for (const Size size : {Size{9, 27, 520}, Size{16, 24, 512}}) {
    check_exact<float, float>(size, weight_gradient);
    check_exact<bf16, float>(size, weight_gradient);
  }
  check_exact<float, float>({1, 3, 1100}, {});
  check_exact<bf16, bf16>({1, 3, 1100}, {.bias = true});
}

TEST_CASE("products of real numbers err by their roundings only") {
  set_num_threads(1);
  for (const Size size : {Size{35, 66, 600}, Size{130, 70, 96}}) {
    const Layout layout{.transpose_b = true, .bias = true, .whole = false};
    const Problem p = problem<float, float>(size, layout);
    const auto exact = p.expected().values<double>(), magnitude = p.expected(true).values<double>();
    for (const GemmRung rung : rungs_of(DType::f32)) {
      const auto got = run<float, float>(p, rung).values<double>();
      // A sum of k products in any order, and the bias: Higham, Accuracy and Stability, section 3.1.
      const double bound = static_cast<double>(size.k + 2) * 0x1p-24;
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (!(std::abs(got[i] - exact[i]) <= bound * magnitude[i])) {
          FAIL("rung " << static_cast<int>(rung) - 1 << ", element " << i << ": " << got[i] << " for "
                       << exact[i]);
        }
      }
    }
  }
}

TEST_CASE("the same bits on every run and under every schedule") {
  set_num_threads(1);
  const Layout layout{.transpose_a = true, .beta = 1, .whole = false};
  const Problem f32 = problem<float, float>({20, 36, 540}, layout),
                half = problem<bf16, float>({20, 40, 520}, layout);
  for (const GemmRung rung : rungs_of(DType::bf16)) {
    set_schedule(0);
    const Tensor first = run<float, float>(f32, rung), first_half = run<bf16, float>(half, rung);
    for (const std::uint64_t schedule : {1u, 2u, 3u}) {
      set_schedule(schedule);
      CHECK(compare_bits(run<float, float>(f32, rung), first) == "");
      CHECK(compare_bits(run<bf16, float>(half, rung), first_half) == "");
    }
  }
  set_schedule(0);
}

TEST_CASE("automatic is the highest rung of the dtype, unless a rung is set for all products") {
  set_num_threads(1);
  const Layout layout{.whole = false};
  const Problem f32 = problem<float, float>({9, 8, 520}, layout),
                half = problem<bf16, float>({9, 8, 520}, layout);
  const Tensor f32_naive = run<float, float>(f32, GemmRung::naive), f32_now = run<float, float>(f32);
  CHECK(compare_bits(f32_now, run<float, float>(f32, GemmRung::register_tiles)) == "");
  CHECK(compare_bits(f32_now, run<float, float>(f32, GemmRung::tensor_cores)) == "");
  CHECK(compare_bits(f32_now, f32_naive) != "");  // another order of the sum
  const Tensor half_naive = run<bf16, float>(half, GemmRung::naive), half_now = run<bf16, float>(half);
  CHECK(compare_bits(half_now, run<bf16, float>(half, GemmRung::tensor_cores)) == "");
  CHECK(compare_bits(half_now, half_naive) != "");

  cuda::set_gemm_rung(GemmRung::naive);
  CHECK(compare_bits(run<float, float>(f32), f32_naive) == "");
  CHECK(compare_bits(run<bf16, float>(half), half_naive) == "");
  cuda::set_gemm_rung(GemmRung::automatic);
}

}  // namespace
}  // namespace salu::test
