// SPDX-License-Identifier: MIT
#include "core/ops/amx.h"

#include <algorithm>

#include "core/ops/amx_blocks.h"
#include "core/ops/arithmetic.h"
#include "core/parallel.h"
#include "core/simd/instruction_set.h"

namespace salu::amx {
namespace {

const Bits* bits(const Tensor& t) { return reinterpret_cast<const Bits*>(t.data<bf16>()); }
Bits* bits(Tensor& t) { return reinterpret_cast<Bits*>(t.data<bf16>()); }

/// No result depends on how the work is cut, so the number of threads may decide.
std::int64_t free_threads() { return in_parallel() ? 1 : num_threads(); }

/// Rows [begin, end) of the input that outputs [first, last) read.
struct Range {
  std::int64_t begin, end;
};
Range range_of(const TapList& rows, std::int64_t first, std::int64_t last) {
  Range range{0, 0};
  for (int i = rows.begin[first]; i < rows.begin[last]; ++i) {
    const std::int64_t from = rows.taps[i].from;
    range = i == rows.begin[first] ? Range{from, from + 1}
                                   : Range{std::min(range.begin, from), std::max(range.end, from + 1)};
  }
  return range;
}

/// Output rows [first, last) of one group of 32 images, a few at a time: while all output blocks read the
/// packed input of these rows, it stays in the L2 cache.
void gather_rows(const TileKernels& kernels, Gather g, const View& in, Range rows, Range blocks) {
  const std::int64_t row_bytes = 2 * in.row_numbers();
  const std::int64_t weights = 2 * kBlock * g.row_taps * g.column_taps * g.in_blocks * blocks_of(g.channels);
  // As much input as there are weights, which every round reads again.
  const std::int64_t bytes = std::min(std::max(weights, kernels.cache_bytes / 8), kernels.cache_bytes);
  const std::int64_t outputs = rows.end - rows.begin;
  const std::int64_t step = std::clamp<std::int64_t>(bytes / row_bytes, 1, outputs);
  std::int64_t ring = 1;
  for (std::int64_t first = rows.begin; first < rows.end; first += step) {
    const Range read = range_of(g.rows, first, std::min(first + step, rows.end));
    ring = std::max(ring, read.end - read.begin);
  }
  PackedRows packed(kernels, Operand::a, PackedRows::Order::position, in, ring);
  g.in = packed.data(), g.ring = packed.size(), g.row = in.row_numbers();
  for (std::int64_t first = rows.begin; first < rows.end; first += step) {
    const std::int64_t last = std::min(first + step, rows.end);
    const Range read = range_of(g.rows, first, last);
    packed.need(read.begin, read.end);
    kernels.gather(g, first, last, blocks.begin, blocks.end);
  }
}

/// Cuts the groups of images, their rows and the output channels into tasks. Each packs its own input, so
/// channels are cut only when there are too few images and rows for the threads.
void gather_all(const TileKernels& kernels, const Gather& whole, const View& in, std::int64_t height) {
  const std::int64_t threads = free_threads(), groups = divide_up(in.images, kSide);
  const std::int64_t bands =
      threads == 1 ? 1 : std::clamp<std::int64_t>(2 * threads / groups, 1, divide_up(height, 4));
  const std::int64_t out_blocks = blocks_of(whole.channels);
  const std::int64_t parts = std::min(out_blocks, divide_up(threads, groups * bands));
  parallel_for(groups * bands * parts, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t group = i / parts / bands, band = i / parts % bands, part = i % parts;
    const View images = in.group(group);
    Gather g = whole;
    g.images = images.images;
    g.out += group * kSide * g.out_image;
    gather_rows(kernels, g, images, {band * height / bands, (band + 1) * height / bands},
                {part * out_blocks / parts, (part + 1) * out_blocks / parts});
  });
}

/// y = x w^T + bias over all taps.
void forward(const TileKernels& kernels, Bits* y, const Bits* x, const Bits* w, const float* bias,
             const Geometry& g) {
  const bool windows = g.windows();
  const std::int64_t column_taps = windows ? 1 : g.s;
  const View in = input_view(x, g);
  const TapTable rows(false, g.p, g.h, g.r, g.stride, g.pad_h);
  const TapTable columns =
      windows ? TapTable(false, g.q, g.q, 1, 1, 0) : TapTable(false, g.q, g.w, g.s, g.stride, g.pad_w);
  const Tensor weights = pack_weights(kernels, Operand::b_transposed, w, g.k, g.r * column_taps, in.depth);
  Gather all{.in_blocks = in.blocks(),
             .rows = rows.list(),
             .columns = columns.list(),
             .row_taps = g.r,
             .column_taps = column_taps,
             .weights = bits(weights),
             .bias = bias,
             .out = y,
             .out_image = g.p * g.q * g.k,
             .out_row = g.q * g.k,
             .width = g.q,
             .channels = g.k};
  gather_all(kernels, all, in, g.p);
}

/// w (K,R,S,C) -> (C,R,S,K), turned by half a circle.
Tensor turned(const Bits* w, const Geometry& g) {
  Tensor out = Tensor::empty({g.c, g.r, g.s, g.k}, DType::bf16);
  Bits* to = bits(out);
  for (std::int64_t k = 0; k < g.k; ++k) {
    for (std::int64_t t = g.r * g.s - 1; t >= 0; --t) {
      for (std::int64_t c = 0; c < g.c; ++c) to[(c * g.r * g.s + t) * g.k + k] = *w++;
    }
  }
  return out;
}

/// dx = dy w over all taps.
void backward_data(const TileKernels& kernels, Bits* dx, const Bits* dy, const Bits* w, const Geometry& g) {
  // With stride 1 it is a convolution of dy, which can read windows.
  const Geometry transpose{
      g.n, g.p, g.q, g.k, g.c, g.r, g.s, g.h, g.w, 1, g.r - 1 - g.pad_h, g.s - 1 - g.pad_w};
  if (g.stride == 1 && g.s > 1 && transpose.windows()) {
    return forward(kernels, dx, dy, bits(turned(w, g)), nullptr, transpose);
  }
  const View in = output_view(dy, g);
  const TapTable rows(true, g.h, g.p, g.r, g.stride, g.pad_h),
      columns(true, g.w, g.q, g.s, g.stride, g.pad_w);
  const Tensor weights = pack_weights(kernels, Operand::b, w, g.k, g.r * g.s, g.c);
  Gather all{.in_blocks = in.blocks(),
             .rows = rows.list(),
             .columns = columns.list(),
             .row_taps = g.r,
             .column_taps = g.s,
             .weights = bits(weights),
             .bias = nullptr,
             .out = dx,
             .out_image = g.h * g.w * g.c,
             .out_row = g.w * g.c,
             .width = g.w,
             .channels = g.c};
  gather_all(kernels, all, in, g.h);
}

/// dw += dy^T x for rows [rows.begin, rows.end) of y, counted through the groups of images, and 32-blocks
/// [blocks.begin, blocks.end) of filters. Rows of dy and x are packed a few at a time and stay in the L2
/// cache while all taps read them; the sums of filters too large for it come from memory once per round.
void sum_weight_gradient(const TileKernels& kernels, float* dw, const Bits* dy, const Bits* x,
                         const Geometry& g, Range rows, Range blocks) {
  const View x_view = input_view(x, g);
  View dy_view = output_view(dy, g);
  const std::int64_t skipped = blocks.begin * kSide, filter = g.r * g.s * g.c;
  dy_view.first = skipped;
  dy_view.depth = std::min(g.k, blocks.end * kSide) - skipped;
  const std::int64_t bytes = g.k * filter <= 1 << 18 ? kernels.cache_bytes / 2 : 4 * kernels.cache_bytes;
  const std::int64_t row_bytes = 2 * (dy_view.row_numbers() + g.stride * x_view.row_numbers());
  const std::int64_t step = std::clamp<std::int64_t>(bytes / row_bytes, 1, rows.end - rows.begin);
  // From a row of y to the next, within an image and at its end, x goes on by at most this many rows.
  const std::int64_t x_step = std::max(g.stride, g.h - (g.p - 1) * g.stride);
  using enum PackedRows::Order;
  PackedRows packed_dy(kernels, Operand::a_transposed, block, dy_view, step);
  PackedRows packed_x(kernels, Operand::b, block, x_view, (step - 1) * x_step + g.r);
  const std::int64_t columns = g.windows() ? 1 : g.s, taps = g.r * columns;
  const bool one_round = step == rows.end - rows.begin;
  Tensor sums = Tensor::empty({one_round ? 1 : dy_view.blocks() * x_view.blocks() * taps * kBlock});
  const WeightGradient all{.dy = packed_dy.data(),
                           .x = packed_x.data(),
                           .dy_ring = packed_dy.size(),
                           .x_ring = packed_x.size(),
                           .h = g.h,
                           .w = x_view.positions,
                           .depth = x_view.depth,
                           .p = g.p,
                           .q = g.q,
                           .filters = dy_view.depth,
                           .r = g.r,
                           .s = columns,
                           .stride = g.stride,
                           .column_stride = g.windows() ? 1 : g.stride,
                           .pad_h = g.pad_h,
                           .pad_w = g.windows() ? 0 : g.pad_w,
                           .sums = sums.data<float>(),
                           .dw = dw + skipped * filter};
  for (std::int64_t first = rows.begin; first < rows.end; first += step) {
    const std::int64_t last = std::min(first + step, rows.end);
    packed_dy.need(first, last);
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t h = row % g.p * g.stride - g.pad_h, image = row / g.p * g.h;
      packed_x.need(image + std::max<std::int64_t>(h, 0), image + std::min(h + g.r, g.h));
    }
    kernels.weight_gradient(all, first, last, first == rows.begin, last == rows.end);
  }
}

/// Threads take different filters. Few filters are too few tasks: then the rows are cut too, into parts that
/// the shape fixes and that are added in order.
void backward_weight(const TileKernels& kernels, Tensor& dw, const Bits* dy, const Bits* x,
                     const Geometry& g) {
  const std::int64_t rows = divide_up(g.n, kSide) * g.p, filter_blocks = blocks_of(g.k);
  const std::int64_t parts = filter_blocks <= 2 ? std::min<std::int64_t>(4, rows) : 1;
  const std::int64_t splits = std::min(filter_blocks, divide_up(free_threads(), parts));
  std::vector<Tensor> sums(static_cast<std::size_t>(parts), dw);
  for (std::size_t i = 1; i < sums.size(); ++i) sums[i] = Tensor::zeros(dw.shape());
  parallel_for(parts * splits, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t part = i / splits, split = i % splits;
    sum_weight_gradient(kernels, sums[static_cast<std::size_t>(part)].data<float>(), dy, x, g,
                        {part * rows / parts, (part + 1) * rows / parts},
                        {split * filter_blocks / splits, (split + 1) * filter_blocks / splits});
  });
  for (std::size_t i = 1; i < sums.size(); ++i) add_in_place(dw, sums[i]);
}

/// A linear layer is a 1x1 convolution over any images. Cut into 32 images of one column, its rows fill all
/// tiles but those of the rest. Calls body(geometry, first row).
template <class Body>
void each_image(std::int64_t rows, std::int64_t c, std::int64_t k, Body&& body) {
  const std::int64_t height = rows / kSide, whole = height * kSide, rest = rows - whole;
  if (whole > 0) body(Geometry{kSide, height, 1, c, k, 1, 1, height, 1, 1, 0, 0}, 0);
  if (rest > 0) body(Geometry{rest, 1, 1, c, k, 1, 1, 1, 1, 1, 0, 0}, whole);
}

Geometry geometry(const Tensor& x, const Tensor& w, const Tensor& y, Conv2dOptions o) {
  return {x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.dim(0),  w.dim(1),
          w.dim(2), y.dim(1), y.dim(2), o.stride, o.padding, o.padding};
}

/// A convolution that is a linear layer, whatever the images.
bool pointwise(const Tensor& w, Conv2dOptions o) {
  return w.dim(1) == 1 && w.dim(2) == 1 && o.stride == 1 && o.padding == 0;
}

}  // namespace

bool supports(const Tensor& x, std::int64_t images) {
  return x.dtype() == DType::bf16 && images >= 4 && x.numel() > 0 && matrix_unit();
}

const TileKernels& tile_kernels() { return matrix_unit() ? amx_tiles::kernels : software_tiles::kernels; }

void conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options,
                    const TileKernels& kernels) {
  if (pointwise(w, options)) return linear_forward(y, x, w, {}, kernels);
  forward(kernels, bits(y), bits(x), bits(w), nullptr, geometry(x, w, y, options));
}

void conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options,
                          const TileKernels& kernels) {
  if (pointwise(w, options)) return linear_backward_input(dx, dy, w, kernels);
  backward_data(kernels, bits(dx), bits(dy), bits(w), geometry(dx, w, dy, options));
}

void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options,
                            const TileKernels& kernels) {
  if (pointwise(dw, options)) return linear_backward_weight(dw, dy, x, kernels);
  backward_weight(kernels, dw, bits(dy), bits(x), geometry(x, dw, dy, options));
}

void linear_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                    const TileKernels& kernels) {
  const std::int64_t c = x.dim(-1), k = w.dim(0);
  Tensor bias;
  if (b.defined()) {
    bias = Tensor::zeros({blocks_of(k) * kSide});
    std::copy_n(b.data<float>(), k, bias.data<float>());
  }
  each_image(rows_of(x), c, k, [&](const Geometry& g, std::int64_t row) {
    forward(kernels, bits(y) + row * k, bits(x) + row * c, bits(w),
            b.defined() ? bias.data<float>() : nullptr, g);
  });
}

void linear_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, const TileKernels& kernels) {
  const std::int64_t c = dx.dim(-1), k = w.dim(0);
  each_image(rows_of(dy), c, k, [&](const Geometry& g, std::int64_t row) {
    backward_data(kernels, bits(dx) + row * c, bits(dy) + row * k, bits(w), g);
  });
}

void linear_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, const TileKernels& kernels) {
  const std::int64_t c = x.dim(-1), k = dy.dim(-1);
  each_image(rows_of(x), c, k, [&](const Geometry& g, std::int64_t row) {
    backward_weight(kernels, dw, bits(dy) + row * k, bits(x) + row * c, g);
  });
}

}  // namespace salu::amx
