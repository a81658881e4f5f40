// SPDX-License-Identifier: MIT
/// The unit of work on the matrix unit: a block of 32 x 32 bf16, two tiles.
#pragma once

#include <cstdint>

namespace salu {

using Bits = std::uint16_t;  ///< a bf16 number as stored; core/dtype.h's functions must not be compiled here
inline constexpr int kSide = 32, kBlock = kSide * kSide;

/// How a block M of a tensor, 32 rows of 32 numbers, enters a product A B. A is two tiles, one below the
/// other. B is two tiles side by side, whose rows hold two rows of the matrix in pairs: b00 b10 b01 b11 ...
enum class Operand {
  a,             ///< A = M
  a_transposed,  ///< A = M^T
  b,             ///< B = M
  b_transposed,  ///< B = M^T
};

}  // namespace salu
