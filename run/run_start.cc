// SPDX-License-Identifier: MIT
#include "run/run_start.h"

#include <algorithm>
#include <cmath>

#include "run/interchange/interop.h"

namespace salu {
namespace {

/// The network as the data set and the loss want it.
ModelConfig fitted(const TrainConfig& config, const DataSplits& data) {
  ModelConfig model = config.model;
  model.num_classes = static_cast<std::int64_t>(data.train->class_names().size());
  model.img_size = config.img_size.value_or(data.img_size);
  if (config.step.bce && !model.head_bias) {
    // Each class starts as likely as it is (Lin et al. 2017, 3.3). From 0, the first epochs only teach that
    // most answers are no: salunet_c8 on shapes is at 23 % after six epochs.
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
  card.mean = data.mean;
  card.std = data.std;
  card.crop_pct = transform.crop_pct;
  card.interpolation = transform.interpolation;
  return card;
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

}  // namespace salu
