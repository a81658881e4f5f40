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
  Tensor images;                      ///< u8 (B,S,S,3)
  Tensor labels;                      ///< i64 (B)
  std::vector<std::int64_t> indices;  ///< of each image in the data set; of its substitute, if it was bad
  Tensor targets;                     ///< f32 (B,K), if LoaderOptions::make_targets is set
  BatchPart part;                     ///< which images of the batch of all ranks these are
};

struct LoaderOptions {
  std::int64_t batch_size = 128;  ///< on all ranks together
  int rank = 0, ranks = 1;        ///< each rank gets its part of every batch: part_of_rank()
  int workers = 2;                ///< threads; 0 prepares each batch in next()
  int prefetch = 4;               ///< batches that may be in preparation or ready, at least 1
  bool shuffle = false;
  bool drop_last = false;  ///< leave out the last batch when it is not full
  /// Repeated augmentation (Hoffer et al., arXiv 1901.09335): each sample comes so many times in a row, each
  /// time with other random numbers. An epoch keeps its length, so it sees a part of the data only.
  int repeats = 1;
  std::uint64_t seed = 42;
  BadImages bad_images = BadImages::stop;
  double max_bad_percent = kMaxBadPercent;  ///< share of images that may be bad under the other policies
  /// Makes the targets of a batch whose images are there, and may mix both; may be empty. Gets (seed,
  /// Purpose::mixing, epoch, number of the batch); called from several threads.
  std::function<void(Batch&, RandomKey)> make_targets;
  double slow_seconds = 60;  ///< a worker that takes longer for one image is reported
  /// Asked several times a second while next() waits for a batch: true ends the epoch; may be empty.
  std::function<bool()> stop;
  /// Gets lines about bad and slow images, called by next(); may be empty.
  std::function<void(const std::string&)> report;
};

class Loader {
 public:
  /// Makes an image of the network's size, as train_transform() does. Gets (seed, Purpose::augment, epoch,
  /// index in the data set, repeat); called from several threads.
  using Transform = std::function<Image(ImageSource&, RandomKey)>;

  /// Throws ErrorCode::usage when drop_last leaves no batch at all, ErrorCode::data for an empty data set.
  Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options);
  ~Loader();

  std::int64_t batches() const;  ///< per epoch
  /// Begins an epoch at batch `first_batch`; drops what is left of the one before. The workers start at once,
  /// so a call before the evaluation hides the wait for the first batch after it.
  void start(std::uint32_t epoch, std::int64_t first_batch = 0);
  /// The next batch with an image in it (a small last one may have none for this rank); false at the end of
  /// the epoch, or when LoaderOptions::stop ends it. Throws what a worker threw, with the place of
  /// the sample, instead of the batch that is missing, and again when called again.
  bool next(Batch& batch);
  /// Seconds that next() has waited (or worked, without workers) since start().
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
