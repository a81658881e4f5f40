// SPDX-License-Identifier: MIT
#include "data/batch_part.h"

#include "core/error.h"

namespace salu {

BatchPart part_of_rank(std::int64_t whole, int rank, int ranks) {
  check(whole >= 0 && rank >= 0 && rank < ranks,
        "[batch_part] expected a rank below {}, got {} of {} pictures", ranks, rank, whole);
  const std::int64_t pairs = whole / (2 * ranks), middle = whole - 2 * pairs * ranks;
  BatchPart part{whole, {}};
  const auto take = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) part.rows.push_back(row);
  };
  take(pairs * rank, pairs * (rank + 1));
  take(pairs * ranks + middle * rank / ranks, pairs * ranks + middle * (rank + 1) / ranks);
  take(whole - pairs * (rank + 1), whole - pairs * rank);
  return part;
}

}  // namespace salu
