// SPDX-License-Identifier: MIT
/// Shapes of rank 0 to 4. Letters used everywhere: (N,H,W,C) images, (K,R,S,C) filters, (B,T,D) tokens, (M,K)
/// (N,K) matrices.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace salu {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;  ///< rank 0: one element
  /// Throws ErrorCode::internal when the rank exceeds 4, a dimension is negative, or the product overflows.
  Shape(std::initializer_list<std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t numel() const { return numel_; }
  /// Dimension i; negative i counts from the end. Throws when out of range.
  std::int64_t operator[](int i) const;
  /// A copy with dimension i replaced.
  Shape with(int i, std::int64_t dim) const;
  std::string str() const;  ///< "(8,32,32,3)"

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  void count();
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
  std::int64_t numel_ = 1;
};

}  // namespace salu
