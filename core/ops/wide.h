// SPDX-License-Identifier: MIT
/// Matrices of bf16 as f32, for products: oneDNN's run in f32 on every processor.
#pragma once

#include "core/ops/reduce.h"

namespace salu {

/// A (rows, columns) matrix to read as Wide<T>: f32 and f64 in place, bf16 as a dense copy.
template <class T>
class WideInput {
 public:
  WideInput(const T* x, std::int64_t rows, std::int64_t columns, std::int64_t row_length) {
    if constexpr (std::is_same_v<T, Wide<T>>) {
      data_ = x, row_length_ = row_length;
    } else {
      copy_ = Tensor::empty({rows, columns});
      Wide<T>* to = copy_.template data<Wide<T>>();
      parallel_for(rows, row_grain(rows, columns), [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          std::copy_n(x + r * row_length, columns, to + r * columns);
        }
      });
      data_ = to, row_length_ = columns;
    }
  }
  const Wide<T>* data() const { return data_; }
  std::int64_t row_length() const { return row_length_; }

 private:
  Tensor copy_;
  const Wide<T>* data_;
  std::int64_t row_length_;
};

/// A (rows, columns) matrix to write as Wide<T>: f32 and f64 in place, bf16 beside it, until store() rounds
/// every number once.
template <class T>
class WideOutput {
 public:
  WideOutput(T* y, std::int64_t rows, std::int64_t columns, std::int64_t row_length)
      : y_(y), rows_(rows), columns_(columns), row_length_(row_length) {
    if constexpr (!std::is_same_v<T, Wide<T>>) copy_ = Tensor::empty({rows, columns});
  }
  Wide<T>* data() {
    if constexpr (std::is_same_v<T, Wide<T>>) {
      return y_;
    } else {
      return copy_.template data<Wide<T>>();
    }
  }
  std::int64_t row_length() const { return copy_.defined() ? columns_ : row_length_; }
  void store() {
    if constexpr (!std::is_same_v<T, Wide<T>>) {
      const Wide<T>* from = data();
      for (std::int64_t r = 0; r < rows_; ++r, from += columns_) {
        for (std::int64_t c = 0; c < columns_; ++c) y_[r * row_length_ + c] = T(from[c]);
      }
    }
  }

 private:
  Tensor copy_;
  T* y_;
  std::int64_t rows_, columns_, row_length_;
};

}  // namespace salu
