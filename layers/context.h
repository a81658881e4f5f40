// SPDX-License-Identifier: MIT
/// What a forward pass knows beside its input.
#pragma once

#include <string>
#include <vector>

#include "core/rng.h"
#include "core/shape.h"

namespace salu {

/// One line of `--summary`.
struct LayerRecord {
  std::string name, kind;
  Shape output;
  std::int64_t parameters = 0;
  std::int64_t macs = 0;  ///< multiply-adds of matrix products and convolutions, for the batch that ran
};

struct Context {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;   ///< optimizer step: keys the masks of dropout and drop path
  std::uint32_t rank = 0;   ///< of several that share a batch: each draws masks of its own
  std::uint32_t draws = 0;  ///< masks drawn so far in this pass
  std::vector<LayerRecord>* records = nullptr;  ///< filled when set

  /// The key of the next mask.
  RandomKey next_key(Purpose purpose) { return {seed, purpose, step, draws++, rank}; }
  void record(LayerRecord r) {
    if (records) records->push_back(std::move(r));
  }
};

}  // namespace salu
