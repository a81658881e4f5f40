// SPDX-License-Identifier: MIT
#include "run/run_start.h"

#include <algorithm>
#include <cmath>

#include "core/ops/batch_inputs.h"
#include "core/text.h"
#include "data/listing.h"
#include "run/checkpoint.h"
#include "run/interchange/pytorch.h"
#include "train/ranks/communicator.h"

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

/// Throws ErrorCode::usage when a batch of one image leaves batch norm one value per channel.
void check_batch_norm(const TrainConfig& config, Model& model, const ModelConfig& network) {
  const int ranks = std::max(1, launched_ranks());
  if (config.batch_size / ranks > 1 || norm_of(network) != Norm::batchnorm) return;
  for (const LayerRecord& layer : summarize(model, network)) {
    const Shape& shape = layer.output;
    if (layer.kind != "BatchNorm" || shape.numel() > shape[shape.rank() - 1]) continue;
    fail(ErrorCode::usage,
         "--batch-size {}: one value per channel in {} ({}), and batch norm takes the deviation of several; "
         "expected {} or more, or a larger --img-size",
         config.batch_size, layer.name, shape.str(), 2 * ranks);
  }
}

/// Loads --initial-checkpoint, the averaged weights if there are some, and says so.
void load_initial(const TrainConfig& config, RunStart& start) {
  const std::string file = shown(config.initial_checkpoint);
  Checkpoint checkpoint = load_checkpoint(config.initial_checkpoint);
  std::vector<NamedTensor> averages = averaged_weights(checkpoint);
  const bool averaged = !averages.empty();
  if (averaged) start.notes.push_back(file + ": the averaged weights (ema) are taken, not the raw ones");
  checkpoint.model = native_names(averaged ? std::move(averages) : std::move(checkpoint.model));
  const std::string note = load_pretrained(*start.model, checkpoint.model, file);
  start.notes.push_back(note.empty() ? file + ": all weights loaded" : note);
  const std::vector<std::string> theirs = card_of(checkpoint, config.model.name, file).class_names,
                                 &ours = start.card.class_names;
  if (!note.empty() || theirs.empty() || std::ranges::equal(ours, theirs, {}, utf8_or_escaped)) return;
  start.notes.push_back(fmt::format(
      "warning: {}: the classifier is loaded too, and its classes have other names: {} there, {} here", file,
      first_names(theirs), first_names(ours)));
}

}  // namespace

RunStart run_start(const TrainConfig& config) {
  RunStart start;
  start.data = config.open_data();
  start.notes = start.data.notes;
  start.transform = config.transform(start.data);
  start.card = card_for(config, start.data, start.transform);
  start.model = make_model(start.card.model);
  check_batch_norm(config, *start.model, start.card.model);
  if (!config.initial_checkpoint.empty()) load_initial(config, start);
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
