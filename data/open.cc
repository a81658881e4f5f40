// SPDX-License-Identifier: MIT
#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "data/cifar.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "data/packed.h"
#include "data/shapes.h"
#include "data/synthetic.h"

namespace salu {
namespace {

DataSplits open_shapes(const DataOptions& options) {
  DataSplits splits;
  // Drawn to order, so that the counts may also exceed the standard ones.
  const std::int64_t train_size = options.train_num_samples > 0
                                      ? options.train_num_samples + options.val_from_train
                                      : ShapesDataset::kTrainSize;
  const std::int64_t val_size =
      options.val_num_samples > 0 ? options.val_num_samples : ShapesDataset::kValSize;
  splits.train = std::make_shared<ShapesDataset>(options.seed, ShapesSplit::train, train_size);
  splits.eval = std::make_shared<ShapesDataset>(options.seed, ShapesSplit::val, val_size);
  splits.eval_name = "val";
  splits.img_size = ShapesDataset::kSide;
  splits.mean = {0.37f, 0.37f, 0.37f};
  splits.std = {0.24f, 0.24f, 0.24f};
  return splits;
}

DataSplits open_synthetic(const DataOptions& options) {
  const auto count = [](std::int64_t asked, std::int64_t standard) { return asked > 0 ? asked : standard; };
  const std::int64_t train_size =
      count(options.train_num_samples, SyntheticDataset::kTrainSize - options.val_from_train) +
      options.val_from_train;
  DataSplits splits;
  splits.train = std::make_shared<SyntheticDataset>(options.seed, options.synthetic, train_size);
  splits.eval = std::make_shared<SyntheticDataset>(
      options.seed + 1, options.synthetic, count(options.val_num_samples, SyntheticDataset::kEvalSize));
  splits.eval_name = "val";
  splits.img_size = options.synthetic.side;
  splits.mean = {0.5f, 0.5f, 0.5f};
  splits.std = {0.289f, 0.289f, 0.289f};  // of uniform bytes: 1 / sqrt(12)
  return splits;
}

struct Source {
  const char* name;
  DataSplits (*open)(const DataOptions&);
};

constexpr Source kSources[] = {
    {"shapes", open_shapes},
    {"cifar10", [](const DataOptions& o) { return open_cifar(Cifar::ten, o); }},
    {"cifar100", [](const DataOptions& o) { return open_cifar(Cifar::hundred, o); }},
    {"folder", open_folder},
    {"packed", open_packed},
    {"synthetic", open_synthetic},
};

}  // namespace

std::shared_ptr<const Dataset> limited(std::shared_ptr<const Dataset> set, std::int64_t count,
                                       std::uint64_t seed, const char* flag) {
  if (count == 0 || count == set->size()) return set;
  if (count > set->size()) {
    fail(ErrorCode::usage, "{}: {}; expected at most {}, the samples of {}", flag, count, set->size(),
         escaped(set->name()));
  }
  std::vector<std::int64_t> indices = hold_out(*set, count, seed, flag).held;
  return subset(std::move(set), std::move(indices));
}

const std::vector<std::string>& known_datasets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Source& source : kSources) list.emplace_back(source.name);
    return list;
  }();
  return names;
}

DataSplits open_dataset(const DataOptions& options) {
  const auto source = std::find_if(std::begin(kSources), std::end(kSources),
                                   [&](const Source& s) { return options.dataset == s.name; });
  if (source == std::end(kSources)) {
    fail(ErrorCode::usage, "--dataset: unknown data set '{}'{}; expected one of {}", escaped(options.dataset),
         did_you_mean(options.dataset, known_datasets()), fmt::join(known_datasets(), ", "));
  }
  for (const auto& [count, flag] : {std::pair{options.val_from_train, "--val-from-train"},
                                    std::pair{options.train_num_samples, "--train-num-samples"},
                                    std::pair{options.val_num_samples, "--val-num-samples"}}) {
    if (count < 0) fail(ErrorCode::usage, "{}: {}; expected 0 or more", flag, count);
  }
  if (options.dataset != "folder" && (options.train_split != "train" || options.val_split)) {
    fail(ErrorCode::usage, "--train-split, --val-split: {} has splits of its own; expected --dataset folder",
         options.dataset);
  }
  DataSplits splits = source->open(options);
  if (options.val_from_train > 0) {
    Holdout parts = hold_out(*splits.train, options.val_from_train, options.seed, "--val-from-train");
    splits.eval = subset(splits.train, std::move(parts.held));
    splits.train = subset(splits.train, std::move(parts.kept));
    splits.eval_name = "val";
  }
  if (!splits.eval) {
    fail(ErrorCode::data,
         "{}: no val, validation, valid or test; expected one beside train. "
         "Or hold out samples: --val-from-train N",
         escaped(options.data_dir.string()));
  }
  splits.eval_is_validation = splits.eval_name != "test";
  splits.train =
      limited(std::move(splits.train), options.train_num_samples, options.seed, "--train-num-samples");
  splits.eval = limited(std::move(splits.eval), options.val_num_samples, options.seed, "--val-num-samples");
  return splits;
}

}  // namespace salu
