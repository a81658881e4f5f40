// SPDX-License-Identifier: MIT
#include "run/preview.h"

#include <algorithm>

#include "data/image.h"

namespace salu {

Image augmentation_preview(const TrainConfig& config) {
  constexpr std::int64_t kPictures = 8;
  constexpr std::uint32_t kVersions = 8;
  const DataSplits data = config.open_data();
  const TransformOptions transform = config.transform(data);
  const std::int64_t size = data.train->size(), pictures = std::min(kPictures, size);
  std::vector<std::vector<Image>> rows;
  for (std::int64_t i = 0; i < pictures; ++i) {
    const std::int64_t index = (i * size / pictures + i) % size;  // + i: sets may repeat their classes
    const Image picture = data.train->image(index);
    std::vector<Image> row{eval_transform(picture, transform)};
    for (std::uint32_t epoch = 0; epoch < kVersions; ++epoch) {
      const RandomKey key{config.seed, Purpose::augment, epoch, static_cast<std::uint32_t>(index)};
      row.push_back(train_transform(picture, transform, key));
    }
    rows.push_back(std::move(row));
  }
  return contact_sheet(rows);
}

}  // namespace salu
