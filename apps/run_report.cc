// SPDX-License-Identifier: MIT
#include "apps/run_report.h"

#include <algorithm>

#include "apps/cli.h"
#include "core/parallel.h"
#include "core/text.h"
#include "run/model_card.h"
#include "run/report/report.h"
#include "run/snapshot.h"
#include "train/signals.h"

namespace salu {
namespace {

struct ReportOptions {
  std::string run;
  std::optional<std::string> data_dir;
  std::int64_t num_samples = 0;
  bool scores = true;
  int threads = 0;
  DeviceOptions device;
};

ImageScoring scoring_of(const TrainConfig& config, std::function<void(const std::string&)> report) {
  ImageScoring scoring;
  scoring.batch_size = config.validation_batch_size;
  scoring.workers = config.workers;
  if (config.bad_images == "skip") scoring.bad_images = BadImages::leave_out;
  scoring.max_bad_percent = config.max_bad;
  scoring.report = std::move(report);
  return scoring;
}

std::string note_of(const ImageScores& scores, const DataSplits& data, const std::string& weights) {
  return fmt::format("{} pictures of {} ({}), scored with the weights of {}: top-1 {:.2f} %, loss {:.4f}.",
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
  const auto report = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  out.scores = score_images(*model, data, config.transform(data), scoring_of(config, report));
  out.note = note_of(*out.scores, data, file);
  return out;
}

bool read_options(ReportOptions& o, const std::vector<std::string>& arguments) {
  CLI::App app("Writes RUN/report.html: curves, SALU geometry, confusions, the worst pictures.",
               "salutrain report");
  const auto add = [](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  app.add_option("RUN", o.run, "the folder of a run, finished or in progress")->required();
  add(add_optional(app, "--data-dir", o.data_dir, "where its data set lies; as in training by default"));
  add(app.add_option("--num-samples", o.num_samples, "score only so many pictures, 0: those of the run")
          ->check(whole_number(0, 1LL << 40)));
  add(add_switch(app, "--scores", o.scores, "false: curves only, no data set needed"));
  add(app.add_option("--threads", o.threads, "CPU threads, 0: all cores")->check(whole_number(0, 1024)));
  add_device_options(app, o.device);
  finish_app(app,
             "\nExamples:\n"
             "  salutrain report runs/20260801-101500-salunet_c8-32\n"
             "  salutrain report runs/a --data-dir DIR --num-samples 2000\n");
  return parse_arguments(app, arguments);
}

}  // namespace

int report_command(const std::vector<std::string>& arguments) {
  ReportOptions o;
  if (!read_options(o, arguments)) return 0;
  const std::filesystem::path folder = o.run;
  read_run(folder);  // a wrong name shows before anything is scored
  TrainConfig config = TrainCommandLine().read_run(folder).config;
  if (o.data_dir) config.data.data_dir = *o.data_dir;
  if (o.num_samples > 0) config.data.val_num_samples = o.num_samples;
  set_num_threads(o.threads);
  ImageReport pictures;
  pictures.note = "Not scored: --scores false.";
  if (o.scores && !CheckpointStore(folder).newest()) {
    pictures.note = "Not scored: no checkpoint yet.";
  } else if (o.scores) {
    try {
      pictures = score_run(folder, config, open_device(o.device));
    } catch (const Error& e) {
      // The curves need no data; who names a data set wants to know what is wrong with it.
      if (e.code() != ErrorCode::data || o.data_dir) throw;
      fmt::print(stderr, "salutrain: warning: {}\n", e.what());
      pictures.note = fmt::format("Not scored: {}", e.what());
    }
  }
  fmt::print("{}\n", shown(write_run_report(folder, pictures)));
  return 0;
}

void report_run(const TrainConfig& config, TrainingRun& trainer, const TrainOutcome& outcome,
                const std::filesystem::path& folder, Progress& progress) {
  try {
    ImageReport pictures;
    if (outcome.finished) {
      ImageScoring scoring = scoring_of(config, [&](const std::string& line) { progress.line(line); });
      scoring.stop = [] { return stop_signal() != 0; };
      pictures.scores = score_images(trainer.model(), trainer.data(), trainer.transform(), scoring);
      pictures.note = note_of(*pictures.scores, trainer.data(), "the last epoch");
    }
    if (!outcome.finished || stop_signal() != 0) {
      pictures.scores.reset();
      pictures.note = fmt::format("Not scored: stopped before. To score it: salutrain report {}",
                                  shell_word(folder.string()));
    }
    progress.line("report: " + shown(write_run_report(folder, pictures)));
  } catch (const Error& e) {
    progress.line(fmt::format("no report: {}", e.what()));
  }
}

}  // namespace salu
