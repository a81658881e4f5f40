// SPDX-License-Identifier: MIT
/// Builds data, transform, network and initial weights from a config; shared by run, --dry-run and
/// --benchmark.
#pragma once

#include <memory>
#include <string>

#include "data/loader.h"
#include "run/config.h"
#include "run/model_card.h"

namespace salu {

struct RunStart {
  DataSplits data;                 ///< its mean and std normalize the network's input
  TransformOptions transform;      ///< for the images of `data`
  ModelCard card;                  ///< describes the network
  std::unique_ptr<Model> model;    ///< initialized, or with the weights of --initial-checkpoint
  std::vector<std::string> notes;  ///< lines about data and --initial-checkpoint
};

/// `config` must be resolved. Throws as open_dataset(), make_model() and load_pretrained() do.
RunStart run_start(const TrainConfig& config);

/// Batch size, order, targets (smoothed and mixed) and bad-image policy of a loader for one rank.
LoaderOptions loader_options(const TrainConfig& config, const DataSplits& data, bool training);
/// A loader of the transformed training or evaluation images.
std::unique_ptr<Loader> make_loader(const DataSplits& data, const TransformOptions& transform, bool training,
                                    LoaderOptions options);

}  // namespace salu
