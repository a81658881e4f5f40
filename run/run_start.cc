// SPDX-License-Identifier: MIT
#include "run/run_start.h"

#include <algorithm>
#include <cmath>

#include "core/ops/batch_inputs.h"
#include "run/checkpoint.h"
#include "run/interchange/pytorch.h"

namespace salu {
namespace {

/// The model configuration adapted to the data set and the loss.
ModelConfig fitted(const TrainConfig& config, const DataSplits& data) {
  ModelConfig model = config.model;
  model.num_classes = static_cast<std::int64_t>(data.train->class_names().size());
  model.img_size = config.img_size.value_or(data.img_size);
  if (config.step.bce && !model.head_bias) {
    // Initializes each class to its prior probability (Lin et al. 2017, 3.3). From 0, the first epochs only
    // learn that most answers are no: salunet_c8 on shapes is at 23 % after six epochs.
    model.head_bias = -std::log(std::max(1.0, static_cast<double>(model.num_classes - 1)));
  }
  return model;
}

ModelCard card_for(const TrainConfig& config, const DataSplits& data, const TransformOptions& transform) {
  ModelCard card;
  card.model = fitted(config, data);
  card.class_names = data.train->class_names();
  card.dataset = config.data.dataset;
  card.data_seed = config.data.seed;
  card.val_from_train = config.data.val_from_train;
  card.exif = config.data.decode.exif;
  card.mean = data.mean;
  card.std = data.std;
  card.crop_pct = transform.crop_pct;
  card.interpolation = transform.interpolation;
  return card;
}

/// LoaderOptions::make_targets of a training: makes the smoothed targets of a batch and mixes both.
std::function<void(Batch&, RandomKey)> target_maker(const TrainConfig& config, const Dataset& dataset) {
  const SmoothingKind kind =
      config.smoothing_wrong_classes ? SmoothingKind::wrong_classes : SmoothingKind::uniform;
  return [mixing = config.mixing, smoothing = config.smoothing, kind, threshold = config.bce_target_thresh,
          classes = static_cast<std::int64_t>(dataset.class_names().size())](Batch& batch, RandomKey key) {
    batch.targets = smoothed_targets(batch.labels, classes, smoothing, kind);
    mix_batch(batch.images, batch.targets, mixing, key, &batch.part);
    if (threshold) threshold_targets(batch.targets, *threshold);
  };
}

}  // namespace

RunStart run_start(const TrainConfig& config) {
  RunStart start;
  start.data = config.open_data();
  start.transform = config.transform(start.data);
  start.card = card_for(config, start.data, start.transform);
  start.model = make_model(start.card.model);
  if (!config.initial_checkpoint.empty()) {
    const std::string file = shown(config.initial_checkpoint);
    start.note =
        load_pretrained(*start.model, native_names(load_checkpoint(config.initial_checkpoint).model), file);
    if (start.note.empty()) start.note = file + ": all weights loaded";
  }
  return start;
}

LoaderOptions loader_options(const TrainConfig& config, const DataSplits& data, bool training) {
  LoaderOptions options;
  options.batch_size = training ? config.images_per_step() : config.validation_batch_size;
  options.workers = config.workers;
  options.shuffle = training;
  options.drop_last = training;  // a small last batch would weigh as much as a full one
  options.seed = config.seed;
  if (training) {
    options.repeats = std::max(1, config.aug_repeats);
    options.make_targets = target_maker(config, *data.train);
  }
  const bool skips = config.bad_images != BadImages::stop;
  options.bad_images = skips && training ? BadImages::substitute : config.bad_images;
  options.max_bad_percent = config.max_bad;
  return options;
}

std::unique_ptr<Loader> make_loader(const DataSplits& data, const TransformOptions& transform, bool training,
                                    LoaderOptions options) {
  auto apply = [transform, training](ImageSource& source, RandomKey key) {
    return training ? train_transform(source, transform, key) : eval_transform(source, transform);
  };
  return std::make_unique<Loader>(training ? data.train : data.eval, apply, std::move(options));
}

}  // namespace salu
