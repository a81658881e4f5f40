// SPDX-License-Identifier: MIT
/// Builds data, transform, network and first weights from a config: for a run, --dry-run and --benchmark
/// alike.
#pragma once

#include <memory>
#include <string>

#include "data/loader.h"
#include "run/config.h"
#include "run/model_card.h"

namespace salu {

struct RunStart {
  DataSplits data;               ///< its mean and std are those that the network is fed with
  TransformOptions transform;    ///< of its images
  ModelCard card;                ///< of the network
  std::unique_ptr<Model> model;  ///< with its first weights: those of --initial-checkpoint, if there is one
  std::string note;              ///< a line about --initial-checkpoint, or ""
};

/// `config` is resolved. Throws as open_dataset(), make_model() and load_pretrained() do.
RunStart run_start(const TrainConfig& config);

/// Batches, order, targets (smoothed and mixed) and bad images of a loader for one rank.
LoaderOptions loader_options(const TrainConfig& config, const DataSplits& data, bool training);
/// A loader of the training or of the evaluation images, transformed.
std::unique_ptr<Loader> make_loader(const DataSplits& data, const TransformOptions& transform, bool training,
                                    LoaderOptions options);

}  // namespace salu
