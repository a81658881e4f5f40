// SPDX-License-Identifier: MIT
/// The operands and results of a product: views that look like
/// matrices, the loader that brings tiles of them into shared memory, and epilogues.
///
/// A view is a matrix of rows and columns whose neighbours in a row are neighbours in memory. It answers
/// row(i), column(j): what can be worked out for a row or a column once; and at(row, column): the address of
/// an element, null where there is none and a zero stands: outside of the matrix, or in the padding of an
/// image. `packed()` tells the host that packs of kPack elements are aligned and lie inside or outside as a
/// whole.
#pragma once

#include "cuda/kernels/kernel.cuh"

namespace salu::cuda {

/// A matrix in memory, `pitch` elements from row to row.
template <class T>
struct MatrixView {
  using Element = T;
  using Row = const T*;
  using Column = std::int64_t;

  const T* data;
  std::int64_t rows, columns, pitch;

  __device__ Row row(std::int64_t i) const { return i < rows ? data + i * pitch : nullptr; }
  __device__ Column column(std::int64_t j) const { return j < columns ? j : -1; }
  __device__ const T* at(Row row, Column column) const { return row && column >= 0 ? row + column : nullptr; }
  bool packed() const { return pack_aligned(data) && columns % kPack<T> == 0 && pitch % kPack<T> == 0; }
};

/// A factor of a product that sums over k. A "line" is a row of op(A) or a column of op(B). Here the lines
/// are the view's rows, so k is contiguous in memory.
template <class View>
struct AlongK : View {
  static constexpr bool kAlongK = true;
};
/// Here k indexes the view's rows, so the lines are contiguous in memory.
template <class View>
struct AcrossK : View {
  static constexpr bool kAlongK = false;
};

/// One element as float.
template <class Factor>
__device__ float element(const Factor& factor, std::int64_t line, std::int64_t k) {
  const auto* p = Factor::kAlongK ? factor.at(factor.row(line), factor.column(k))
                                  : factor.at(factor.row(k), factor.column(line));
  return p ? static_cast<float>(*p) : 0.0f;
}

/// Loads tiles of `Lines` lines x `Depth` k by the `Threads` threads of a block, in packs of Width elements.
/// A thread's packs lie in one column of the view, so that neighbouring threads read neighbouring packs.
/// Index arithmetic that does not depend on the step is done once: that of the rows for AlongK, of the column
/// for AcrossK.
template <class Factor, int Lines, int Depth, int Width, int Threads>
class TileLoader {
  static constexpr int kRows = Factor::kAlongK ? Lines : Depth, kColumns = Factor::kAlongK ? Depth : Lines;
  static constexpr int kPacksPerRow = kColumns / Width, kRowStep = Threads / kPacksPerRow,
                       kCount = kRows / kRowStep;
  static_assert(kColumns % Width == 0 && Threads % kPacksPerRow == 0 && kRows % kRowStep == 0,
                "the threads of a block must cover the tile evenly");
  using Element = typename Factor::Element;

 public:
  using TilePack = Pack<Element, Width>;

  __device__ TileLoader(const Factor& factor, std::int64_t first_line) : factor_(factor) {
    if constexpr (Factor::kAlongK) {
      for (int i = 0; i < kCount; ++i) rows_[i] = factor.row(first_line + row(i));
    } else {
      column_ = factor.column(first_line + column());
    }
  }

  /// Starts reading the tile at `k` into registers.
  __device__ void fetch(std::int64_t k) {
    if constexpr (Factor::kAlongK) column_ = factor_.column(k + column());
    for (int i = 0; i < kCount; ++i) {
      const auto from = Factor::kAlongK ? rows_[Factor::kAlongK ? i : 0] : factor_.row(k + row(i));
      const Element* p = factor_.at(from, column_);
      packs_[i] = p ? *reinterpret_cast<const TilePack*>(p) : TilePack{};
    }
  }

  /// Calls store(row, column, pack) with the data of fetch(); row and column are relative to the tile.
  template <class Store>
  __device__ void keep(Store&& store) const {
    for (int i = 0; i < kCount; ++i) store(row(i), column(), packs_[i]);
  }

 private:
  __device__ static int row(int i) { return static_cast<int>(threadIdx.x) / kPacksPerRow + i * kRowStep; }
  __device__ static int column() { return static_cast<int>(threadIdx.x) % kPacksPerRow * Width; }

  const Factor& factor_;
  typename Factor::Row rows_[Factor::kAlongK ? kCount : 1];
  typename Factor::Column column_;
  TilePack packs_[kCount];
};

/// Stores neighbours as one pack when `packed`, else one by one.
template <class T, int Count>
__device__ void store_pack(T* to, const Pack<float, Count>& values, bool packed) {
  Pack<T, Count> out;
  for (int i = 0; i < Count; ++i) out.at[i] = T(values.at[i]);
  if (packed) {
    *reinterpret_cast<Pack<T, Count>*>(to) = out;
  } else {
    for (int i = 0; i < Count; ++i) to[i] = out.at[i];
  }
}

/// Default epilogue: C = alpha sum + bias + beta C. An epilogue is called with Count neighbouring sums of one
/// row; Count is 1, 2 or 4, and column a multiple of it.
template <class T>
struct Store {
  T* c;
  std::int64_t pitch;
  float alpha = 1, beta = 0;
  const float* bias = nullptr;
  bool packed = false;  ///< rows start on 16-byte boundaries

  template <int Count>
  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<float, Count> sums) const {
    T* to = c + row * pitch + column;
    for (int i = 0; i < Count; ++i) {
      sums.at[i] *= alpha;
      if (bias) sums.at[i] += bias[column + i];
      if (beta != 0) sums.at[i] += beta * static_cast<float>(to[i]);
    }
    store_pack(to, sums, packed);
  }
};

/// True when packs of up to four elements may be stored to rows with this `pitch`.
template <class T>
bool pack_rows(const T* c, std::int64_t pitch) {
  return pack_aligned(c) && pitch % 4 == 0;
}

}  // namespace salu::cuda
