// SPDX-License-Identifier: MIT
#include "run/report/run_report.h"

#include <algorithm>

#include "core/text.h"
#include "run/model_card.h"
#include "run/snapshot.h"
#include "run/train_options.h"
#include "train/signals.h"

namespace salu {
namespace {

ImageScoring scoring_of(const TrainConfig& config, std::function<void(const std::string&)> report) {
  ImageScoring scoring;
  scoring.batch_size = config.validation_batch_size;
  scoring.workers = config.workers;
  scoring.bad_images = config.bad_images;
  scoring.max_bad_percent = config.max_bad;
  scoring.report = std::move(report);
  return scoring;
}

std::string note_of(const ImageScores& scores, const DataSplits& data, const std::string& weights) {
  return fmt::format("{} images of {} ({}), scored with the weights of {}: top-1 {:.2f} %, loss {:.4f}.",
                     grouped(static_cast<std::uint64_t>(scores.result.samples)), data.eval->name(),
                     data.eval_name, weights, scores.result.top1(), scores.result.loss());
}

/// Scores the newest checkpoint of a run on its own data set.
ImageReport score_run(const std::filesystem::path& folder, TrainConfig config, const Placement& placement) {
  const CheckpointStore store(folder);
  const std::string file = shown(folder / "last");
  const Checkpoint checkpoint = store.load("last");
  ModelCard card = card_from_json(checkpoint.config, file);
  card.model.placement = placement;
  const std::unique_ptr<Model> model = make_model(card.model);
  load_state_dict(model->store(), checkpoint.model, file);
  const DataSplits data = config.open_data();
  if (!std::ranges::equal(data.eval->class_names(), card.class_names, {}, utf8_or_escaped)) {
    fail(ErrorCode::data,
         "{}: has other classes than the run was trained on. Give its data set: --data-dir DIR",
         data.eval->name());
  }
  ImageReport out;
  const auto report = [](const std::string& line) { tell(escaped(line)); };
  out.scores = score_images(*model, data, config.transform(data), scoring_of(config, report));
  out.note = note_of(*out.scores, data, file);
  return out;
}

}  // namespace

std::filesystem::path report_on(const ReportOptions& o) {
  read_run(o.run);  // reports a wrong name before anything is scored
  TrainConfig config = read_run_options(o.run).config;
  if (o.data_dir) config.data.data_dir = *o.data_dir;
  if (o.num_samples > 0) config.data.val_num_samples = o.num_samples;
  ImageReport images;
  images.note = "Not scored: --no-scores.";
  if (o.scores && !CheckpointStore(o.run).newest()) {
    images.note = "Not scored: no checkpoint yet.";
  } else if (o.scores) {
    try {
      images = score_run(o.run, config, open_device(o.device));
    } catch (const Error& e) {
      // The curves need no data set. A user who names one gets the error.
      if (e.code() != ErrorCode::data || o.data_dir) throw;
      tell(fmt::format("salutrain: warning: {}", e.what()));
      images.note = fmt::format("Not scored: {}", e.what());
    }
  }
  return write_run_report(o.run, images);
}

void report_run(const TrainConfig& config, TrainingRun& trainer, const TrainOutcome& outcome,
                const std::filesystem::path& folder, Progress& progress) {
  try {
    ImageReport images;
    if (outcome.finished) {
      ImageScoring scoring = scoring_of(config, [&](const std::string& line) { progress.line(line); });
      scoring.stop = [] { return stop_signal() != 0; };
      images.scores = score_images(trainer.model(), trainer.data(), trainer.transform(), scoring);
      images.note = note_of(*images.scores, trainer.data(), "the last epoch");
    }
    if (!outcome.finished || stop_signal() != 0) {
      images.scores.reset();
      images.note = fmt::format("Not scored: stopped before. To score it: salutrain report {}",
                                shell_word(folder.string()));
    }
    progress.line("report: " + shown(write_run_report(folder, images)));
  } catch (const Error& e) {
    progress.line(fmt::format("no report: {}", e.what()));
  }
}

}  // namespace salu
