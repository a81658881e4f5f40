// SPDX-License-Identifier: MIT
/// Batches of transformed images, prepared ahead by threads.
///
/// Order and augmentation are functions of (seed, epoch, index, repeat) only: any number of workers gives the
/// same batches, and so does an epoch that is resumed in the middle.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/rng.h"
#include "core/tensor.h"
#include "data/dataset.h"
#include "data/mixing.h"

namespace salu {

struct Batch {
  Tensor images;  ///< u8 (B,S,S,3)
  Tensor labels;  ///< i64 (B)
  std::vector<std::int64_t>
      indices;     ///< index of each image in the data set (the substitute's, if one was bad)
  Tensor targets;  ///< f32 (B,K), if LoaderOptions::make_targets is set
  BatchPart part;  ///< this rank's rows of the whole batch
};

struct LoaderOptions {
  std::int64_t batch_size = 128;  ///< on all ranks together
  int rank = 0, ranks = 1;        ///< each rank gets its part of every batch: part_of_rank()
  int workers = 2;                ///< threads; 0 prepares each batch in next()
  int prefetch = 4;               ///< batches that may be in preparation or ready, at least 1
  bool shuffle = false;
  bool drop_last = false;  ///< leave out the last batch when it is not full
  /// Repeated augmentation (Hoffer et al., arXiv 1901.09335): each sample comes this many times in a row,
  /// with other random numbers each time. An epoch keeps its length, so it covers a part of the data only.
  int repeats = 1;
  std::uint64_t seed = 42;
  BadImages bad_images = BadImages::stop;
  double max_bad_percent = kMaxBadPercent;  ///< percentage of images that may be bad under the other policies
  /// Makes the targets of a batch from its images and may mix both; may be empty. Gets (seed,
  /// Purpose::mixing, epoch, batch number); called from several threads.
  std::function<void(Batch&, RandomKey)> make_targets;
  double slow_seconds = 60;  ///< a worker is reported after this time on one image
  /// Polled several times a second while next() waits for a batch; true ends the epoch. May be empty.
  std::function<bool()> stop;
  /// Receives lines about bad and slow images, within next(); may be empty.
  std::function<void(const std::string&)> report;
};

class Loader {
 public:
  /// Makes an image of the network's input size, as train_transform() does. Gets (seed, Purpose::augment,
  /// epoch, index in the data set, repeat); called from several threads.
  using Transform = std::function<Image(ImageSource&, RandomKey)>;

  /// Throws ErrorCode::usage when drop_last leaves no batch, ErrorCode::data for an empty data set.
  Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options);
  ~Loader();

  std::int64_t batches() const;  ///< per epoch
  /// Begins an epoch at batch `first_batch` and drops the rest of the previous one. The workers start at
  /// once, so calling it before an evaluation hides the wait for the first batch.
  void start(std::uint32_t epoch, std::int64_t first_batch = 0);
  /// The next batch with an image in it (a small last one may have none for this rank). Returns false at the
  /// end of the epoch, or when LoaderOptions::stop ends it. A worker's exception is thrown in place of its
  /// batch, with the sample's place, and again by every later call.
  bool next(Batch& batch);
  /// Seconds that next() has waited since start(); without workers, seconds that it has worked.
  double wait_seconds() const;

 private:
  class Epoch;

  std::shared_ptr<const Dataset> dataset_;
  std::unique_ptr<ImageReader> reader_;
  Transform transform_;
  LoaderOptions options_;
  std::unique_ptr<Epoch> epoch_;
};

}  // namespace salu
