// SPDX-License-Identifier: MIT
#include "apps/evaluate.h"

#include <algorithm>
#include <set>

#include "data/transform.h"
#include "train/state_dict.h"

namespace salu {
namespace {

/// The same pictures with labels renumbered to another list of the same class names.
class Renumbered : public Dataset {
 public:
  Renumbered(std::shared_ptr<const Dataset> source, const std::vector<std::string>& names)
      : Dataset(source->name(), names), source_(std::move(source)) {
    fingerprint_ = source_->fingerprint();
    for (const std::string& name : source_->class_names()) {
      position_.push_back(static_cast<int>(std::ranges::find(names, name) - names.begin()));
    }
  }
  std::int64_t size() const override { return source_->size(); }
  Image image(std::int64_t index) const override { return source_->image(index); }
  int label(std::int64_t index) const override {
    return position_[static_cast<std::size_t>(source_->label(index))];
  }

 private:
  std::shared_ptr<const Dataset> source_;
  std::vector<int> position_;
};

std::shared_ptr<const Dataset> matched(std::shared_ptr<const Dataset> data, const ModelCard& card,
                                       const std::string& path) {
  if (data->class_names() == card.class_names) return data;
  const std::set<std::string> known(card.class_names.begin(), card.class_names.end());
  for (const std::string& name : data->class_names()) {
    if (!known.contains(name)) {
      fail(ErrorCode::data,
           "{}: class '{}' of {} is not one of the {} classes it was trained on (first: '{}'). Give "
           "the data set that it was trained on",
           path, escaped(name), data->name(), card.class_names.size(),
           escaped(card.class_names.empty() ? "" : card.class_names[0]));
    }
  }
  return std::make_shared<Renumbered>(std::move(data), card.class_names);
}

/// The averaged weights under the model's own names.
std::vector<NamedTensor> ema_tensors(const Checkpoint& checkpoint, const std::string& path) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& t : checkpoint.state) {
    if (t.name.starts_with("ema.")) out.push_back({t.name.substr(4), t.tensor});
  }
  if (out.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: holds no averaged weights (it was trained without --model-ema). Leave --use-ema "
         "out",
         path);
  }
  return out;
}

}  // namespace

ScoredCheckpoint score_checkpoint(const std::string& path, const EvaluateOptions& options) {
  const Checkpoint checkpoint = load_checkpoint(path);
  ScoredCheckpoint out;
  out.path = path;
  out.card = card_from_json(checkpoint.config, path);
  out.card.model.placement = options.placement;
  const std::unique_ptr<Model> model = make_model(out.card.model);
  const std::vector<NamedTensor> weights = options.use_ema ? ema_tensors(checkpoint, path) : checkpoint.model;
  load_state_dict(model->store(), weights, path);
  out.non_finite = first_non_finite(weights);
  out.parameters = model->store().count();

  DataOptions data_options;
  data_options.dataset = options.dataset.value_or(out.card.dataset);
  data_options.data_dir = options.data_dir;
  data_options.seed = out.card.data_seed;
  data_options.val_from_train = out.card.val_from_train;
  data_options.val_num_samples = options.num_samples;
  const DataSplits data = open_dataset(data_options);
  out.split = data.eval_name;
  out.dataset = data.eval->name();

  TransformOptions transform;
  transform.img_size = static_cast<int>(out.card.model.img_size);
  transform.crop_pct = out.card.crop_pct;
  LoaderOptions loader_options;
  loader_options.batch_size = options.batch_size;
  loader_options.workers = options.workers;
  Loader loader(
      matched(data.eval, out.card, path),
      [transform](const Image& image, RandomKey) { return eval_transform(image, transform); },
      loader_options);
  out.result = evaluate(*model, loader, out.card.mean, out.card.std, out.card.model.num_classes);
  return out;
}

std::string result_table(std::vector<ScoredCheckpoint> scored) {
  std::ranges::stable_sort(scored,
                           [](const auto& a, const auto& b) { return a.result.top1() > b.result.top1(); });
  std::string out = fmt::format("{:<40} {:<12} {:>8} {:>8} {:>8} {:>10} {:>9}\n", "checkpoint", "model",
                                "top1", "top5", "loss", "pictures", "img/s");
  for (const ScoredCheckpoint& s : scored) {
    out += fmt::format("{:<40} {:<12} {:>8.3f} {:>8.3f} {:>8.4f} {:>10} {:>9.0f}\n", s.path,
                       s.card.model.name, s.result.top1(), s.result.top5(), s.result.loss(), s.result.samples,
                       static_cast<double>(s.result.samples) / s.result.seconds);
  }
  return out;
}

std::string class_table(const ScoredCheckpoint& scored) {
  std::string out = fmt::format("{:<32} {:>8} {:>9} {:>9}\n", "class", "top1", "correct", "pictures");
  for (std::size_t k = 0; k < scored.card.class_names.size(); ++k) {
    const auto all = scored.result.class_samples[k], right = scored.result.class_correct[k];
    out += fmt::format(
        "{:<32} {:>8} {:>9} {:>9}\n", escaped(scored.card.class_names[k]),
        all ? fmt::format("{:.2f}", 100.0 * static_cast<double>(right) / static_cast<double>(all)) : "-",
        right, all);
  }
  return out;
}

nlohmann::json result_json(const ScoredCheckpoint& s) {
  nlohmann::json classes = nlohmann::json::array();
  for (std::size_t k = 0; k < s.card.class_names.size(); ++k) {
    classes.push_back({{"name", escaped(s.card.class_names[k])},
                       {"correct", s.result.class_correct[k]},
                       {"pictures", s.result.class_samples[k]}});
  }
  return {{"checkpoint", escaped(s.path)},
          {"model", s.card.model.name},
          {"top1", s.result.top1()},
          {"top1_err", 100 - s.result.top1()},
          {"top5", s.result.top5()},
          {"top5_err", 100 - s.result.top5()},
          {"loss", s.result.loss()},
          {"samples", s.result.samples},
          {"param_count", s.parameters},
          {"img_size", s.card.model.img_size},
          {"crop_pct", s.card.crop_pct},
          {"dataset", escaped(s.dataset)},
          {"split", s.split},
          {"per_class", classes}};
}

}  // namespace salu
