// SPDX-License-Identifier: MIT
#include "core/shape.h"

#include <fmt/ranges.h>

#include "core/error.h"

namespace salu {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  check(dims.size() <= kMaxRank, "[shape] expected rank 0..{}, got {}", kMaxRank, dims.size());
  for (std::int64_t d : dims) dims_[rank_++] = d;
  count();
}

void Shape::count() {
  numel_ = 1;
  for (int i = 0; i < rank_; ++i) {
    check(dims_[i] >= 0, "[shape] expected dimensions >= 0, got {}", str());
    check(!__builtin_mul_overflow(numel_, dims_[i], &numel_), "[shape] {} has more elements than 2^63",
          str());
  }
}

std::int64_t Shape::operator[](int i) const {
  const int at = i < 0 ? i + rank_ : i;
  check(at >= 0 && at < rank_, "[shape] expected a dimension in {}..{}, got {} of {}", -rank_, rank_ - 1, i,
        str());
  return dims_[at];
}

Shape Shape::with(int i, std::int64_t dim) const {
  Shape out = *this;
  static_cast<void>((*this)[i]);  // range check
  out.dims_[i < 0 ? i + rank_ : i] = dim;
  out.count();
  return out;
}

std::string Shape::str() const {
  return fmt::format("({})", fmt::join(dims_.begin(), dims_.begin() + rank_, ","));
}

}  // namespace salu
