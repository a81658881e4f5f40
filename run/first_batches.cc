// SPDX-License-Identifier: MIT
#include "run/first_batches.h"

#include "data/loader.h"
#include "run/batch_targets.h"

namespace salu {

std::vector<TrainBatch> first_batches(const DataSplits& data, const TrainConfig& config, std::size_t count) {
  const TransformOptions transform = config.transform(data);
  LoaderOptions options;
  options.batch_size = config.pictures_per_step();
  options.workers = config.workers;
  options.shuffle = true;
  options.drop_last = true;
  options.seed = config.seed;
  options.make_targets = target_maker(config, *data.train);
  Loader loader(
      data.train, [&](ImageSource& source, RandomKey key) { return train_transform(source, transform, key); },
      options);
  std::vector<TrainBatch> batches;
  Batch batch;
  loader.start(0);
  while (batches.size() < count && loader.next(batch)) batches.push_back({batch.images, batch.targets});
  return batches;
}

}  // namespace salu
