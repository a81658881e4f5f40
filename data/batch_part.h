// SPDX-License-Identifier: MIT
/// How several ranks share a batch.
#pragma once

#include <cstdint>
#include <vector>

namespace salu {

/// The pictures of a batch that one rank has.
struct BatchPart {
  std::int64_t whole = 0;          ///< pictures of the batch on all ranks
  std::vector<std::int64_t> rows;  ///< their places in it, in increasing order
};

/// Every picture goes to one rank, and the ranks' shares differ by one at most. Mixing pairs pictures i and
/// whole-1-i: ranks take such pairs, so that each can mix its pictures by itself. Only what does not go round
/// in pairs, fewer than 2 `ranks` pictures from the middle, is dealt out one by one.
BatchPart part_of_rank(std::int64_t whole, int rank, int ranks);

}  // namespace salu
