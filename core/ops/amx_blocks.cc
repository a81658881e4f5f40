// SPDX-License-Identifier: MIT
#include "core/ops/amx_blocks.h"

#include <algorithm>
#include <bit>

#include "core/parallel.h"

namespace salu::amx {

PixelRow View::row(std::int64_t row) const {
  const std::int64_t image = height * length, group = row / height;
  return {data + group * kSide * image + row % height * length,
          image,
          std::min<std::int64_t>(kSide, images - group * kSide),
          length,
          positions,
          first,
          step,
          depth};
}

View View::group(std::int64_t g) const {
  View one = *this;
  one.data += g * kSide * height * length;
  one.images = std::min<std::int64_t>(kSide, images - g * kSide);
  return one;
}

View input_view(const Bits* x, const Geometry& g) {
  if (!g.windows()) return {x, g.n, g.h, g.w * g.c, g.w, 0, g.c, g.c};
  return {x, g.n, g.h, g.w * g.c, g.q, -g.pad_w * g.c, g.stride * g.c, g.s * g.c};
}

View output_view(const Bits* y, const Geometry& g) { return {y, g.n, g.p, g.q * g.k, g.q, 0, g.k, g.k}; }

TapTable::TapTable(bool transposed, std::int64_t outputs, std::int64_t inputs, std::int64_t taps,
                   std::int64_t stride, std::int64_t padding) {
  for (std::int64_t i = 0; i < outputs; ++i) {
    for (std::int64_t t = 0; t < taps; ++t) {
      const std::int64_t scaled = transposed ? i + padding - t : i * stride + t - padding;
      const std::int64_t from = transposed ? scaled / stride : scaled;
      if (scaled < 0 || from >= inputs || (transposed && scaled % stride != 0)) continue;
      taps_.push_back({static_cast<int>(from), static_cast<int>(t)});
    }
    begin_.push_back(static_cast<int>(taps_.size()));
  }
}

Tensor pack_weights(const TileKernels& kernels, Operand operand, const Bits* w, std::int64_t filters,
                    std::int64_t taps, std::int64_t depth) {
  const std::int64_t filter_blocks = blocks_of(filters), channel_blocks = blocks_of(depth);
  Tensor packed = Tensor::empty({filter_blocks * taps * channel_blocks * kBlock}, DType::bf16);
  Bits* to = static_cast<Bits*>(packed.raw());
  // A group of 32 filters is packed like a row of 32 images, with a pixel per tap.
  const View view{w, filters, 1, taps * depth, taps, 0, depth, depth};
  parallel_for(filter_blocks, 1, [&](std::int64_t i, std::int64_t) {
    if (operand == Operand::b) {
      kernels.pack(operand, view.row(i), to + i * kBlock, filter_blocks * kBlock,
                   taps * filter_blocks * kBlock);
    } else {
      kernels.pack(operand, view.row(i), to + i * view.row_numbers(), channel_blocks * kBlock, kBlock);
    }
  });
  return packed;
}

PackedRows::PackedRows(const TileKernels& kernels, Operand operand, Order order, const View& view,
                       std::int64_t rows)
    : kernels_(kernels),
      operand_(operand),
      order_(order),
      view_(view),
      ring_(static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(rows)))),
      numbers_(Tensor::empty({ring_ * view.row_numbers()}, DType::bf16)) {}

void PackedRows::need(std::int64_t begin, std::int64_t end) {
  Bits* to = static_cast<Bits*>(numbers_.raw());
  for (std::int64_t row = std::max(packed_, begin); row < end; ++row) {
    const std::int64_t place = row & (ring_ - 1);
    if (order_ == Order::position) {
      kernels_.pack(operand_, view_.row(row), to + place * view_.row_numbers(), view_.blocks() * kBlock,
                    kBlock);
    } else {
      kernels_.pack(operand_, view_.row(row), to + place * view_.positions * kBlock, kBlock,
                    ring_ * view_.positions * kBlock);
    }
  }
  packed_ = std::max(packed_, end);
}

}  // namespace salu::amx
