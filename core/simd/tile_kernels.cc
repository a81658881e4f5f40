// SPDX-License-Identifier: MIT
/// Compiled with AMX and without (core/meson.build), each time in another namespace SALU_ISA.
#include "core/simd/tile_kernels.h"

#include <algorithm>
#include <utility>

#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

#include "core/simd/tiles.h"

namespace salu::SALU_ISA {
namespace {

// 64 bytes: a register with AVX-512, several without.
using Halves __attribute__((vector_size(64))) = std::uint16_t;
using Words __attribute__((vector_size(64))) = std::uint32_t;

/// The block of 32 numbers at `from` in each image's row; those before `low` and from `high` on are zeros.
struct Block {
  const PixelRow& row;
  std::int64_t from;
  int low, high;
};

void read_row(Halves& to, const Block& m, std::int64_t image) {
  to = Halves{};
  if (image >= m.row.images || m.low >= m.high) return;
  const Bits* row = m.row.start + (image * m.row.image + m.from);
#if defined(__AVX512BW__)  // one load, whatever is outside: no memory is touched there
  const auto inside = static_cast<__mmask32>((1ull << m.high) - (1ull << m.low));
  const __m512i numbers = _mm512_maskz_loadu_epi16(inside, row);
  std::memcpy(&to, &numbers, sizeof to);
#else
  Bits numbers[kSide] = {};
  std::memcpy(numbers + m.low, row + m.low, sizeof(Bits) * (m.high - m.low));
  std::memcpy(&to, numbers, sizeof to);
#endif
}

/// Two rows in pairs: a0 b0 a1 b1 ... a15 b15, and the rest.
void write_pairs(Bits* left, Bits* right, const Halves& a, const Halves& b) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    const Halves low = __builtin_shufflevector(a, b, (i % 2 * 32 + i / 2)...);
    const Halves high = __builtin_shufflevector(a, b, (i % 2 * 32 + 16 + i / 2)...);
    std::memcpy(left, &low, sizeof low);
    std::memcpy(right, &high, sizeof high);
  }
  (std::make_integer_sequence<int, kSide>());
}

/// Exchanges the upper right and the lower left quarter of each 2d x 2d part of a matrix.
template <int d>
void exchange(Words (&rows)[16]) {
  for (int r = 0; r < 16; ++r) {
    if (r & d) continue;
    [&]<int... i>(std::integer_sequence<int, i...>) {
      const Words a = rows[r], b = rows[r + d];
      rows[r] = __builtin_shufflevector(a, b, (i & d ? 16 + i - d : i)...);
      rows[r + d] = __builtin_shufflevector(a, b, (i & d ? 16 + i : i + d)...);
    }
    (std::make_integer_sequence<int, 16>());
  }
}
/// A tile as 16x16 numbers of 32 bits, in 64 shuffles.
void transpose(Bits* tile) {
  Words rows[16];
  std::memcpy(rows, tile, sizeof rows);
  exchange<1>(rows), exchange<2>(rows), exchange<4>(rows), exchange<8>(rows);
  std::memcpy(tile, rows, sizeof rows);
}

/// Pairs of numbers are one number of 32 bits, so that four arrangements need two steps: pairs down or along
/// the rows, then as they are or transposed.
template <Operand operand>
void pack_block(Bits* to, const Block& m) {
  constexpr bool down = operand == Operand::b || operand == Operand::a_transposed;
  for (int i = 0; i < kSide; i += 2) {
    Halves a, b;
    read_row(a, m, i), read_row(b, m, i + 1);
    if constexpr (down) {
      write_pairs(to + i / 2 * kSide, to + kBlock / 2 + i / 2 * kSide, a, b);
    } else {
      std::memcpy(to + i * kSide, &a, sizeof a), std::memcpy(to + (i + 1) * kSide, &b, sizeof b);
    }
  }
  if constexpr (operand == Operand::a_transposed || operand == Operand::b_transposed) {
    transpose(to), transpose(to + kBlock / 2);
  }
}

template <Operand operand>
void pack_row(const PixelRow& row, Bits* to, std::int64_t position, std::int64_t block) {
  for (std::int64_t j = 0; j < row.positions; ++j) {
    const std::int64_t first = row.first + j * row.step, end = std::min(first + row.depth, row.length);
    for (std::int64_t b = 0; b * kSide < row.depth; ++b) {
      const std::int64_t from = first + b * kSide;
      const auto inside = [&](std::int64_t i) {
        return static_cast<int>(std::clamp<std::int64_t>(i, 0, 32));
      };
      pack_block<operand>(to + j * position + b * block, {row, from, inside(-from), inside(end - from)});
    }
  }
}

void pack(Operand operand, const PixelRow& row, Bits* to, std::int64_t position, std::int64_t block) {
  switch (operand) {
    case Operand::a:
      return pack_row<Operand::a>(row, to, position, block);
    case Operand::a_transposed:
      return pack_row<Operand::a_transposed>(row, to, position, block);
    case Operand::b:
      return pack_row<Operand::b>(row, to, position, block);
    case Operand::b_transposed:
      return pack_row<Operand::b_transposed>(row, to, position, block);
  }
}

template <bool stays>
void multiply_all(const Bits* a, const Bits* b, std::int64_t blocks) {
  for (const Bits* end = a + blocks * kBlock; a != end; a += kBlock, b += kBlock) {
    multiply_blocks<stays>(a, b);
  }
}

/// The sums of one position: taps outside the image are in no list and cost nothing. The weights of the first
/// taps, 40 KiB, stay in the L1 cache; x and the other weights stream from L2.
void sum_taps(const Gather& g, const Bits* weights, std::int64_t i, std::int64_t j) {
  const std::int64_t position = g.in_blocks * kBlock, stay = (20 << 10) / position;
  for (int r = g.rows.begin[i]; r < g.rows.begin[i + 1]; ++r) {
    const Bits* row = g.in + (g.rows.taps[r].from & (g.ring - 1)) * g.row;
    for (int s = g.columns.begin[j]; s < g.columns.begin[j + 1]; ++s) {
      const std::int64_t tap = g.rows.taps[r].tap * g.column_taps + g.columns.taps[s].tap;
      const Bits *a = row + g.columns.taps[s].from * position, *b = weights + tap * position;
      tap < stay ? multiply_all<true>(a, b, g.in_blocks) : multiply_all<false>(a, b, g.in_blocks);
    }
  }
}

/// The sums, rounded, to `channels` numbers of each image.
void write_position(const Gather& g, Bits* to, int channels) {
  alignas(64) float sums[kBlock];
  store_sums(sums);
  for (std::int64_t n = 0; n < g.images; ++n, to += g.out_image) round_row(to, sums + n * kSide, channels);
}

void gather(const Gather& g, std::int64_t first, std::int64_t last, std::int64_t first_block,
            std::int64_t last_block) {
  const TileScope scope;
  for (std::int64_t block = first_block; block < last_block; ++block) {
    const Bits* weights = g.weights + block * g.row_taps * g.column_taps * g.in_blocks * kBlock;
    const int channels = static_cast<int>(std::min<std::int64_t>(kSide, g.channels - block * kSide));
    for (std::int64_t i = first; i < last; ++i) {
      for (std::int64_t j = 0; j < g.width; ++j) {
        g.bias ? start_sums(g.bias + block * kSide) : zero_sums();
        sum_taps(g, weights, i, j);
        write_position(g, g.out + i * g.out_row + j * g.channels + block * kSide, channels);
      }
    }
  }
}

/// A tap's position among the blocks of the weight gradient.
struct Place {
  std::int64_t filters, channels, r, s;  ///< block of filters, block of channels, tap
};

/// The sums += dy^T x of rows [first, last). The sum runs over 32 images at a time, so a tap shifts whole
/// blocks, and pairs stay pairs.
void sum_rows(const WeightGradient& g, const Place& at, std::int64_t first, std::int64_t last) {
  const std::int64_t shift = at.s - g.pad_w, stride = g.column_stride;
  const std::int64_t low = shift < 0 ? (stride - 1 - shift) / stride : 0;
  const std::int64_t high = shift < g.w ? std::min(g.q, (g.w - 1 - shift) / stride + 1) : 0;
  std::int64_t p = first % g.p, image = first / g.p * g.h;
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t h = p * g.stride + at.r - g.pad_h;
    if (h >= 0 && h < g.h) {
      const std::int64_t dy_row = at.filters * g.dy_ring + (row & (g.dy_ring - 1));
      const std::int64_t x_row = at.channels * g.x_ring + ((image + h) & (g.x_ring - 1));
      const Bits* a = g.dy + (dy_row * g.q + low) * kBlock;
      const Bits* b = g.x + (x_row * g.w + low * stride + shift) * kBlock;
      for (std::int64_t j = low; j < high; ++j, a += kBlock, b += stride * kBlock)
        multiply_blocks<false>(a, b);
    }
    if (++p == g.p) p = 0, image += g.h;
  }
}

void add_to_dw(const WeightGradient& g, const Place& at) {
  alignas(64) float sums[kBlock];
  store_sums(sums);
  const std::int64_t filters = std::min<std::int64_t>(kSide, g.filters - at.filters * kSide);
  const std::int64_t depth = std::min<std::int64_t>(kSide, g.depth - at.channels * kSide);
  for (std::int64_t i = 0; i < filters; ++i) {
    const std::int64_t tap = ((at.filters * kSide + i) * g.r + at.r) * g.s + at.s;
    float* to = g.dw + tap * g.depth + at.channels * kSide;
    for (std::int64_t c = 0; c < depth; ++c) to[c] += sums[i * kSide + c];
  }
}

void add_tap(const WeightGradient& g, const Place& at, std::int64_t first, std::int64_t last, bool starts,
             bool ends) {
  const std::int64_t blocks = (g.depth + kSide - 1) / kSide, block = at.filters * blocks + at.channels;
  float* sums = g.sums + ((block * g.r + at.r) * g.s + at.s) * kBlock;
  starts ? zero_sums() : load_sums(sums);
  sum_rows(g, at, first, last);
  ends ? add_to_dw(g, at) : store_sums(sums);
}

void weight_gradient(const WeightGradient& g, std::int64_t first, std::int64_t last, bool starts, bool ends) {
  const TileScope scope;
  constexpr std::int64_t kTogether = 4;  // filter blocks whose rows of dy stay in L2 while all of x passes
  const std::int64_t filter_blocks = (g.filters + kSide - 1) / kSide;
  for (std::int64_t group = 0; group < filter_blocks; group += kTogether) {
    for (std::int64_t c = 0; c * kSide < g.depth; ++c) {
      for (std::int64_t k = group; k < std::min(group + kTogether, filter_blocks); ++k) {
        for (std::int64_t r = 0; r < g.r; ++r) {
          for (std::int64_t s = 0; s < g.s; ++s) add_tap(g, {k, c, r, s}, first, last, starts, ends);
        }
      }
    }
  }
}

}  // namespace

extern const TileKernels kernels;
constinit const TileKernels kernels{pack, gather, weight_gradient};

}  // namespace salu::SALU_ISA
