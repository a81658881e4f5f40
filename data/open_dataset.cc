// SPDX-License-Identifier: MIT
#include "data/open_dataset.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "data/cifar.h"
#include "data/folder.h"
#include "data/generated.h"
#include "data/pack.h"

namespace salu {
namespace {

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

/// "no images of 2 of 10 classes in val: cat, dog", or "".
std::string missing_note(const Dataset& set, const std::string& split) {
  std::vector<bool> used(set.class_names().size());
  for (std::int64_t i = 0; i < set.size(); ++i) used[static_cast<std::size_t>(set.label(i))] = true;
  std::vector<std::string> missing;
  for (std::size_t c = 0; c < used.size(); ++c) {
    if (!used[c]) missing.push_back(set.class_names()[c]);
  }
  if (missing.empty()) return "";
  return fmt::format("no images of {} of {} classes in {}: {}", missing.size(), used.size(), split,
                     first_names(missing));
}

}  // namespace

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
    fail(ErrorCode::usage, "--dataset: unknown data set '{}'{}; expected one of {}", options.dataset,
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
  if (options.dataset != "folder" && options.decode.exif == ExifOrientation::apply) {
    fail(ErrorCode::usage,
         "--exif-orientation: {} has no image files; expected --dataset folder. Or pack with it",
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
         options.data_dir.string());
  }
  splits.eval_is_validation = splits.eval_name != "test";
  splits.train =
      some_samples(std::move(splits.train), options.train_num_samples, options.seed, "--train-num-samples");
  splits.eval =
      some_samples(std::move(splits.eval), options.val_num_samples, options.seed, "--val-num-samples");
  for (const std::string& note :
       {missing_note(*splits.train, "train"), missing_note(*splits.eval, splits.eval_name)}) {
    if (!note.empty()) splits.notes.push_back("warning: " + note);
  }
  return splits;
}

}  // namespace salu
