// SPDX-License-Identifier: MIT
#include "data/synthetic.h"

#include <algorithm>
#include <cstring>

#include "core/rng.h"
#include "data/fingerprint.h"

namespace salu {
namespace {

std::vector<std::string> numbered(int classes) {
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

/// Repeat 0 gives the pixels, repeat 1 the label.
RandomKey key_of(std::uint64_t seed, std::int64_t index, std::uint32_t repeat) {
  return {seed, Purpose::synthetic, 0, static_cast<std::uint32_t>(index), repeat};
}

}  // namespace

SyntheticDataset::SyntheticDataset(std::uint64_t seed, const SyntheticOptions& options, std::int64_t size)
    : Dataset("synthetic", numbered(options.classes)), seed_(seed), options_(options), size_(size) {
  fingerprint_ = Fingerprint()
                     .add("synthetic")
                     .add(seed)
                     .add(static_cast<std::uint64_t>(options.side))
                     .add(static_cast<std::uint64_t>(options.classes))
                     .add(static_cast<std::uint64_t>(size))
                     .value();
}

std::unique_ptr<Picture> SyntheticDataset::picture(std::int64_t index) const {
  Image image(options_.side, options_.side);
  const RandomKey key = key_of(seed_, index, 0);
  std::uint32_t position = 0;
  for (std::size_t at = 0; at < image.pixels.size(); at += sizeof(PhiloxBlock)) {
    const PhiloxBlock block = key.block(position++);
    std::memcpy(image.pixels.data() + at, block.data(), std::min(sizeof(block), image.pixels.size() - at));
  }
  return decoded_picture(std::move(image));
}

int SyntheticDataset::label(std::int64_t index) const {
  return static_cast<int>(Rng(key_of(seed_, index, 1)).below(static_cast<std::uint32_t>(options_.classes)));
}

}  // namespace salu
