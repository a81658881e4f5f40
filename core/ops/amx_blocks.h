// SPDX-License-Identifier: MIT
/// Pieces that the passes on the matrix unit share: the shape of a convolution as the kernels see it, packed
/// weights, and packed rows.
#pragma once

#include <vector>

#include "core/simd/tile_kernels.h"
#include "core/tensor.h"

namespace salu::amx {

inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline std::int64_t blocks_of(std::int64_t channels) { return divide_up(channels, kSide); }

/// y (N,P,Q,K) = x (N,H,W,C) with filters w (K,R,S,C). The letters are those of core/shape.h.
struct Geometry {
  std::int64_t n, h, w, c, k, r, s, p, q, stride, pad_h, pad_w;

  /// The S C numbers under one row of the filter lie side by side in x, and so do their weights. Seen as one
  /// tap of S C channels they fill blocks better when C is small: 3 channels and 3 columns are a block of 9
  /// numbers instead of three blocks of 3. Taken when that saves a fifth, and for one column, where it leaves
  /// out the pixels that a stride skips.
  bool windows() const { return s == 1 || 5 * blocks_of(s * c) <= 4 * s * blocks_of(c); }
};

/// A tensor (N,H,W,C), or filters, as rows of positions: see PixelRow. All images.
struct View {
  const Bits* data;
  std::int64_t images, height, length, positions, first, step, depth;

  std::int64_t blocks() const { return blocks_of(depth); }
  std::int64_t row_numbers() const { return positions * blocks() * kBlock; }  ///< of a packed row
  /// Row `row`, counted through the groups of 32 images.
  PixelRow row(std::int64_t row) const;
  /// Group g alone.
  View group(std::int64_t g) const;
};

/// x as the forward pass and the weight gradient read it.
View input_view(const Bits* x, const Geometry& g);
/// dy or y as pixels of K channels.
View output_view(const Bits* y, const Geometry& g);

/// The taps that reach each output row or column.
class TapTable {
 public:
  /// `outputs` positions read `inputs` ones through `taps`, as a convolution or as its transpose does.
  TapTable(bool transposed, std::int64_t outputs, std::int64_t inputs, std::int64_t taps, std::int64_t stride,
           std::int64_t padding);
  TapList list() const { return {taps_.data(), begin_.data()}; }

 private:
  std::vector<Tap> taps_;
  std::vector<int> begin_{0};
};

/// The filters (K, taps, depth) as blocks: (output block, tap, input block) for `b_transposed`, whose outputs
/// are the filters, and for `b`, whose outputs are the channels.
Tensor pack_weights(const TileKernels& kernels, Operand operand, const Bits* w, std::int64_t filters,
                    std::int64_t taps, std::int64_t depth);

/// A ring of packed rows, each packed once, when the products come to it.
class PackedRows {
 public:
  /// The order of a row's blocks in memory: by position, as one output reads them, or by block, as a tap of
  /// the weight gradient does.
  enum class Order { position, block };

  PackedRows(const TileKernels& kernels, Operand operand, Order order, const View& view, std::int64_t rows);
  /// Rows [begin, end) are in the ring. Both only grow, by at most the size of the ring together.
  void need(std::int64_t begin, std::int64_t end);

  const Bits* data() const { return static_cast<const Bits*>(numbers_.raw()); }
  std::int64_t size() const { return ring_; }  ///< a power of two

 private:
  const TileKernels& kernels_;
  Operand operand_;
  Order order_;
  View view_;
  std::int64_t ring_, packed_ = 0;  // rows before packed_ are packed, or will not be read
  Tensor numbers_;
};

}  // namespace salu::amx
