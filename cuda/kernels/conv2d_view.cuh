// SPDX-License-Identifier: MIT
/// Convolution as a product of matrices that are never written down: views (gemm_operand.cuh) whose elements
/// are found where they lie in images and filters.
#pragma once

#include "cuda/kernels/divisor.h"
#include "cuda/kernels/gemm_operand.cuh"

namespace salu::cuda {

/// im2col view: output pixels (n,i,j) as rows, taps and channels (r,s,c) as columns. An element is what tap
/// (r,s) of the filter meets at channel c of an image, or zero outside. Row i starts at h = first_h + i step.
/// Taps are `direction` apart: +1 in the forward pass, -1 where gradients flow back to the pixels.
template <class T>
class PatchView {
 public:
  using Element = T;
  struct Row {
    std::int64_t offset;  // offset of channel 0 at (n,h,w)
    std::int32_t h, w;
  };
  using Column = Row;  // relative to a row

  struct Image {
    const T* data;
    std::int64_t height, width, channels;
  };
  struct Pixels {  // the rows
    std::int64_t images, height, width;
    std::int64_t first_h, first_w, step;
  };
  struct Taps {
    std::int64_t height, width;
    std::int32_t direction;
  };

  PatchView(const Image& image, const Pixels& pixels, const Taps& taps)
      : data_(image.data),
        rows_(pixels.images * pixels.height * pixels.width),
        columns_(taps.height * taps.width * image.channels),
        height_(static_cast<std::int32_t>(image.height)),
        width_(static_cast<std::int32_t>(image.width)),
        channels_(static_cast<std::int32_t>(image.channels)),
        first_h_(static_cast<std::int32_t>(pixels.first_h)),
        first_w_(static_cast<std::int32_t>(pixels.first_w)),
        step_(static_cast<std::int32_t>(pixels.step)),
        direction_(taps.direction),
        per_image_(pixels.height * pixels.width),
        per_line_(pixels.width),
        per_tap_line_(taps.width * image.channels),
        per_tap_(image.channels) {}

  __device__ Row row(std::int64_t index) const {
    if (index >= rows_) return {0, kOutside, 0};
    const auto pixel = static_cast<std::int32_t>(index);
    const std::int32_t n = per_image_.quotient(pixel), in_image = per_image_.remainder(pixel);
    const std::int32_t h = first_h_ + per_line_.quotient(in_image) * step_;
    const std::int32_t w = first_w_ + per_line_.remainder(in_image) * step_;
    return {((std::int64_t{n} * height_ + h) * width_ + w) * channels_, h, w};
  }
  __device__ Column column(std::int64_t index) const {
    if (index >= columns_) return {0, kOutside, 0};
    const auto tap = static_cast<std::int32_t>(index);
    const std::int32_t in_line = per_tap_line_.remainder(tap), c = per_tap_.remainder(in_line);
    const std::int32_t h = direction_ * per_tap_line_.quotient(tap);
    const std::int32_t w = direction_ * per_tap_.quotient(in_line);
    return {(std::int64_t{h} * width_ + w) * channels_ + c, h, w};
  }
  __device__ const T* at(const Row& row, const Column& column) const {
    const std::int32_t h = row.h + column.h, w = row.w + column.w;
    const bool inside = h >= 0 && h < height_ && w >= 0 && w < width_;
    return inside ? data_ + row.offset + column.offset : nullptr;
  }
  bool packed() const { return pack_aligned(data_) && channels_ % kPack<T> == 0; }

 private:
  static constexpr std::int32_t kOutside = -(1 << 30);  // above every image; the sum of two does not overflow

  const T* data_;
  std::int64_t rows_, columns_;
  std::int32_t height_, width_, channels_;
  std::int32_t first_h_, first_w_, step_, direction_;
  Divisor per_image_, per_line_, per_tap_line_, per_tap_;
};

/// Every step-th position of one dimension, starting at `first`: those of `size` whose gradients come through
/// the same taps.
struct Phase {
  std::int64_t first, step, count;
  static std::int64_t count_of(std::int64_t first, std::int64_t step, std::int64_t size) {
    return first < size ? (size - first + step - 1) / step : 0;
  }
};

/// A filter (K,R,S,C) as (taps of a phase and k, c), for the gradient of the image.
template <class T>
class FilterView {
 public:
  using Element = T;
  using Row = const T*;
  using Column = std::int64_t;

  FilterView(const T* data, std::int64_t filters, std::int64_t taps_h, std::int64_t taps_w,
             std::int64_t channels, const Phase& h, const Phase& w)
      : data_(data),
        rows_(h.count * w.count * filters),
        taps_h_(taps_h),
        taps_w_(taps_w),
        channels_(channels),
        h_(h),
        w_(w),
        per_tap_(filters),
        per_tap_line_(w.count) {}

  __device__ Row row(std::int64_t index) const {
    if (index >= rows_) return nullptr;
    const std::int32_t tap = per_tap_.quotient(static_cast<std::int32_t>(index));
    const std::int64_t k = per_tap_.remainder(static_cast<std::int32_t>(index));
    const std::int64_t r = h_.first + per_tap_line_.quotient(tap) * h_.step;
    const std::int64_t s = w_.first + per_tap_line_.remainder(tap) * w_.step;
    return data_ + ((k * taps_h_ + r) * taps_w_ + s) * channels_;
  }
  __device__ Column column(std::int64_t c) const { return c < channels_ ? c : -1; }
  __device__ const T* at(Row row, Column c) const { return row && c >= 0 ? row + c : nullptr; }
  bool packed() const { return pack_aligned(data_) && channels_ % kPack<T> == 0; }

 private:
  const T* data_;
  std::int64_t rows_, taps_h_, taps_w_, channels_;
  Phase h_, w_;
  Divisor per_tap_, per_tap_line_;
};

/// Epilogue: writes row (n,i,j) of the product to the image pixel of a phase.
template <class T>
class StorePixels {
 public:
  StorePixels(T* data, std::int64_t height, std::int64_t width, std::int64_t channels, const Phase& h,
              const Phase& w)
      : data_(data),
        height_(height),
        width_(width),
        channels_(channels),
        h_(h),
        w_(w),
        packed_(pack_rows(data, channels)),
        per_image_(h.count * w.count),
        per_line_(w.count) {}

  template <int Count>
  __device__ void operator()(std::int64_t row, std::int64_t column, const Pack<float, Count>& sums) const {
    const auto pixel = static_cast<std::int32_t>(row);
    const std::int64_t n = per_image_.quotient(pixel);
    const std::int32_t in_image = per_image_.remainder(pixel);
    const std::int64_t h = h_.first + per_line_.quotient(in_image) * h_.step;
    const std::int64_t w = w_.first + per_line_.remainder(in_image) * w_.step;
    store_pack(data_ + ((n * height_ + h) * width_ + w) * channels_ + column, sums, packed_);
  }

 private:
  T* data_;
  std::int64_t height_, width_, channels_;
  Phase h_, w_;
  bool packed_;
  Divisor per_image_, per_line_;
};

}  // namespace salu::cuda
