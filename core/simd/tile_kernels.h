// SPDX-License-Identifier: MIT
/// Loops over blocks of 32 x 32 bf16 for the matrix unit: a convolution's sums, its weight gradient, and the
/// arrangements that feed them. One table for the instructions of AMX, one for their software twin.
#pragma once

#include "core/simd/tile_block.h"

namespace salu {

/// One row of pixels of up to 32 images, cut into positions: position j is the `depth` numbers of the row
/// from `first + j step` on. A block has an image per row. What is outside the row, and images beyond
/// `images`, are zeros.
struct PixelRow {
  const Bits* start;    ///< of the row in the first image
  std::int64_t image;   ///< numbers from an image to the next
  std::int64_t images;  ///< 1 to 32
  std::int64_t length;  ///< numbers in the row
  std::int64_t positions, first, step, depth;
};

/// The taps that reach output i: taps[begin[i]] to taps[begin[i + 1]].
struct Tap {
  int from, tap;  ///< the row (or column) of the input, and that of the filter
};
struct TapList {
  const Tap* taps;
  const int* begin;
};

/// out[n,i,j,:] = sum over taps of in[n, from i, from j, :] weights[tap], for 32 images n.
struct Gather {
  const Bits* in;     ///< rows of positions of blocks, Operand::a; row h is at h modulo `ring`
  std::int64_t ring;  ///< a power of two
  std::int64_t row;   ///< numbers from a row of `in` to the next
  std::int64_t in_blocks;
  TapList rows, columns;
  std::int64_t row_taps, column_taps;
  const Bits* weights;  ///< (output block, row tap, column tap, input block), Operand::b or b_transposed
  const float* bias;    ///< one number per output channel, to the end of the last block, or null
  Bits* out;
  std::int64_t out_image, out_row;  ///< numbers from an image, a row to the next
  std::int64_t images, width, channels;
};

/// dw[k,r,s,c] += sum over images and rows of dy^T x, where the rows of all groups of 32 images count on: row
/// p of group g is g P + p.
struct WeightGradient {
  const Bits* dy;  ///< (filter block, row modulo dy_ring, column) of blocks, Operand::a_transposed
  const Bits* x;   ///< (channel block, row modulo x_ring, column) of blocks, Operand::b
  std::int64_t dy_ring, x_ring;
  std::int64_t h, w, depth, p, q, filters, r, s, stride, column_stride, pad_h, pad_w;
  float* sums;  ///< (filter block, channel block, tap) of (32,32), between calls
  float* dw;    ///< (filters, r, s, depth)
};

struct TileKernels {
  /// The blocks of a row: block b of position j goes to `to + j position + b block`.
  void (*pack)(Operand operand, const PixelRow& row, Bits* to, std::int64_t position, std::int64_t block);
  /// Output rows [first, last) of output blocks [first_block, last_block).
  void (*gather)(const Gather& g, std::int64_t first, std::int64_t last, std::int64_t first_block,
                 std::int64_t last_block);
  /// Adds rows [first, last) to the sums, which `starts` sets to zero before and `ends` adds to dw after.
  void (*weight_gradient)(const WeightGradient& g, std::int64_t first, std::int64_t last, bool starts,
                          bool ends);
  std::int64_t cache_bytes = 1 << 20;  ///< packed rows in use at a time, to stay in the L2 cache
};

// Defined by tile_kernels.cc, compiled twice.
namespace amx_tiles {
extern const TileKernels kernels;
}
namespace software_tiles {
extern const TileKernels kernels;
}

}  // namespace salu
