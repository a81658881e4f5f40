// SPDX-License-Identifier: MIT
#include "score/scoring_data.h"

#include <algorithm>
#include <set>

#include "data/folder.h"
#include "data/open_dataset.h"
#include "run/model_card.h"
#include "run/train_options.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

/// A data set with labels renumbered to another list of the same class names.
class Renumbered : public Dataset {
 public:
  Renumbered(std::shared_ptr<const Dataset> source, const std::vector<std::string>& names)
      : Dataset(source->name(), names), source_(std::move(source)) {
    fingerprint_ = source_->fingerprint();
    for (const std::string& name : source_->class_names()) {
      position_.push_back(static_cast<int>(std::ranges::find(names, utf8_or_escaped(name)) - names.begin()));
    }
  }
  std::int64_t size() const override { return source_->size(); }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override { return source_->open(index); }
  std::string place(std::int64_t index) const override { return source_->place(index); }
  int label(std::int64_t index) const override {
    return position_[static_cast<std::size_t>(source_->label(index))];
  }

 private:
  std::shared_ptr<const Dataset> source_;
  std::vector<int> position_;
};

std::shared_ptr<const Dataset> matched(std::shared_ptr<const Dataset> data, ModelCard& card,
                                       const std::string& path) {
  const auto classes = static_cast<std::int64_t>(data->class_names().size());
  if (card.class_names.empty()) {
    if (classes != card.model.num_classes) {
      fail(ErrorCode::data,
           "{}: {} outputs without class names, {} classes in {}. Give the names in the order of the "
           "outputs: --class-map FILE",
           path, card.model.num_classes, classes, data->name());
    }
    card.class_names = data->class_names();
  }
  if (data->class_names() == card.class_names) return data;
  const std::set<std::string> known(card.class_names.begin(), card.class_names.end());
  if (known.size() < card.class_names.size()) {
    fail(ErrorCode::data, "{}: {} class names, {} of them different; expected a name for each class", path,
         card.class_names.size(), known.size());
  }
  std::vector<bool> used(data->class_names().size());  // an empty folder may have any name
  for (std::int64_t i = 0; i < data->size(); ++i) used[static_cast<std::size_t>(data->label(i))] = true;
  for (std::size_t c = 0; c < used.size(); ++c) {
    const std::string& name = data->class_names()[c];
    if (used[c] && !known.contains(utf8_or_escaped(name))) {
      fail(ErrorCode::data,
           "{}: class '{}' of {} is not one of the {} classes it was trained on (first: '{}'). Give "
           "the data set that it was trained on",
           path, name, data->name(), card.class_names.size(), card.class_names[0]);
    }
  }
  return std::make_shared<Renumbered>(std::move(data), card.class_names);
}

bool holds_folders(const fs::path& folder) {
  std::error_code error;
  const auto is_class = [](const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored) && !entry.path().filename().native().starts_with('.');
  };
  const fs::directory_iterator entries(folder, error);
  return !error && std::any_of(begin(entries), end(entries), is_class);
}

/// The run folder that contains a checkpoint, or "". Tries the path with links resolved and as given, because
/// the checkpoint, or the run's folder of checkpoints on another disk, may be a link.
fs::path run_of(const fs::path& checkpoint) {
  std::error_code error;
  for (fs::path folder :
       {fs::weakly_canonical(checkpoint, error), fs::absolute(checkpoint, error).lexically_normal()}) {
    for (int level = 0; level < 5 && !folder.empty(); ++level, folder = folder.parent_path()) {
      if (fs::exists(folder / "config.toml", error) && fs::exists(folder / "checkpoints", error))
        return folder;
    }
  }
  return "";
}

/// The settings of the run that contains a checkpoint; nothing for other checkpoints.
std::optional<TrainConfig> config_of_run(const fs::path& checkpoint) {
  const fs::path folder = run_of(checkpoint);
  try {
    if (!folder.empty()) return read_run_options(folder).config;
  } catch (const Error&) {
    // Scoring works without it.
  }
  return std::nullopt;
}

/// The images of class folders, of which some may be empty.
std::shared_ptr<const Dataset> class_folders(const std::string& name, const fs::path& root,
                                             const DecodeOptions& decode) {
  Listing listing = list_class_folders(root);
  if (listing.files.empty()) fail(ErrorCode::data, "{}: no images in class folders", shown(root));
  return std::make_shared<FolderDataset>(name, std::move(listing), decode);
}

/// True for --dataset with --data-dir, or for another kind than the training's: the run's settings then do
/// not apply. Only one of the two overrides that setting of the run.
bool names_other_data(const ScoringDataOptions& options, const ModelCard& card) {
  return options.dataset && (*options.dataset != card.dataset || !options.data_dir.empty());
}

/// Class folders below DIR/val and the like (or DIR/`asked`, or the split that the run scored), or in DIR
/// itself. Needs no training images. Nothing for another layout.
std::optional<ScoringData> open_folder_split(const DataOptions& data,
                                             const std::optional<std::string>& asked) {
  const fs::path& root = data.data_dir;
  const std::optional<std::string>& split = asked ? asked : data.val_split;
  if (root.empty()) fail(ErrorCode::usage, "--data-dir: not given; expected the folder above val");
  const std::string name = "folder:" + (root / ".").lexically_normal().parent_path().filename().string();
  std::vector<std::string> names(std::begin(kEvalNames), std::end(kEvalNames));
  if (split) names = {split == "train" ? data.train_split : *split};
  for (const std::string& candidate : names) {
    if (!holds_folders(root / candidate)) continue;
    const std::string shown_name = split ? *split : candidate == "test" ? "test" : "val";
    return ScoringData{class_folders(name, root / candidate, data.decode), shown_name};
  }
  const auto holds = [&](const std::string& folder) {
    std::error_code error;
    return fs::exists(root / folder, error);
  };
  const bool is_whole = holds(data.train_split) || holds("ILSVRC") || holds("Data/CLS-LOC");
  if (!asked && split && !is_whole) {
    fail(ErrorCode::data, "{}: no folder {}, which the run scored; expected it there. Or use --split NAME",
         shown(root), *split);
  }
  if (split || is_whole) return std::nullopt;
  return ScoringData{class_folders(name, root, data.decode), "val"};
}

/// One of the data set's own splits, whatever a training has held out.
ScoringData named_split(DataOptions data, const std::string& split) {
  data.val_from_train = data.train_num_samples = data.val_num_samples = 0;
  if (data.dataset == "folder") data.val_split.reset();
  const DataSplits splits = open_dataset(data);
  if (split == "train") return {splits.train, split};
  if (split == splits.eval_name) return {splits.eval, split};
  fail(ErrorCode::usage, "--split {}: {} has no such images; expected train or {}", split,
       splits.train->name(), splits.eval_name);
}

}  // namespace

ScoringData open_scoring_data(const ScoringDataOptions& options, ModelCard& card,
                              const fs::path& checkpoint) {
  TrainConfig config;  // the run's settings, as far as they apply to these data
  DataOptions& data = config.data;
  data.dataset = options.dataset.value_or(card.dataset.empty() ? "folder" : card.dataset);
  if (!names_other_data(options, card)) {
    const auto run = config_of_run(checkpoint);
    if (run && run->data.dataset == data.dataset) config = *run;
    data.val_from_train = card.val_from_train;
  }
  if (!options.data_dir.empty()) data.data_dir = options.data_dir;
  data.seed = card.data_seed;
  data.decode.exif = data.dataset == "folder" ? card.exif : ExifOrientation::ignore;
  data.decode.max_pixels = options.max_image_pixels.value_or(data.decode.max_pixels);
  data.bad_images = options.bad_images.value_or(config.bad_images);
  const std::int64_t count =
      options.split || options.num_samples > 0 ? options.num_samples : data.val_num_samples;
  const bool held_out = data.val_from_train > 0 && options.split.value_or("val") == "val";
  const bool drawn = data.dataset == "shapes" || data.dataset == "synthetic";  // generated in any number
  data.val_num_samples = drawn && !held_out ? count : 0;
  std::optional<ScoringData> out;
  if (data.dataset == "folder" && !held_out) out = open_folder_split(data, options.split);
  if (!out && options.split && !held_out) out = named_split(data, *options.split);
  if (!out) {
    DataSplits splits = open_dataset(data);
    out = {std::move(splits.eval), splits.eval_name};
  }
  out->images = some_samples(std::move(out->images), count, data.seed, "--num-samples");
  out->images = matched(std::move(out->images), card, shown(checkpoint));
  out->bad_images = data.bad_images;
  out->max_bad_percent = options.max_bad.value_or(config.max_bad);
  return *out;
}

}  // namespace salu
