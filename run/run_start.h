// SPDX-License-Identifier: MIT
/// What a training begins with. A run and whatever tries one out take it from here, so that they train the
/// same network on the same pictures.
#pragma once

#include <memory>
#include <string>

#include "data/loader.h"
#include "run/config.h"
#include "run/model_card.h"

namespace salu {

struct RunStart {
  DataSplits data;               ///< its mean and std are those that the network is fed with
  TransformOptions transform;    ///< of its pictures
  ModelCard card;                ///< of the network
  std::unique_ptr<Model> model;  ///< with its first weights: those of --initial-checkpoint, if there is one
  std::string note;              ///< a line about --initial-checkpoint, or ""
};

/// `config` is resolved. Throws as open_dataset(), make_model() and load_pretrained() do.
RunStart run_start(const TrainConfig& config);

/// What a loader of this data does, for one rank: batches, order, targets (smoothed and mixed), bad images.
LoaderOptions loader_options(const TrainConfig& config, const DataSplits& data, bool training);
/// Of the training or of the evaluation images, transformed.
std::unique_ptr<Loader> make_loader(const DataSplits& data, const TransformOptions& transform, bool training,
                                    LoaderOptions options);

}  // namespace salu
