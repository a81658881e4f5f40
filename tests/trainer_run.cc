// SPDX-License-Identifier: MIT
#include "tests/trainer_run.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/parallel.h"
#include "data/open_dataset.h"
#include "run/run_folder.h"
#include "run/snapshot.h"
#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  return fs::exists(path) ? read_text(path, ErrorCode::internal) : "";
}

void read_files(WatchedRun& run, const fs::path& folder) {
  std::istringstream rows(text_of(folder / "metrics.jsonl"));
  for (std::string line; std::getline(rows, line);) run.rows.push_back(nlohmann::json::parse(line));
  run.log = text_of(folder / "log.txt");
  if (!fs::exists(folder / "checkpoints")) return;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints")) {
    run.checkpoints.push_back(entry.path().filename().string());
  }
  std::ranges::sort(run.checkpoints);
}

/// In any order: a file has one of its own.
std::string compare_tensors(const std::vector<NamedTensor>& got, const std::vector<NamedTensor>& want) {
  if (got.size() != want.size()) return fmt::format("{} tensors, expected {}", got.size(), want.size());
  std::map<std::string, Tensor> by_name;
  for (const NamedTensor& t : got) by_name[t.name] = t.tensor;
  for (const NamedTensor& t : want) {
    if (!by_name.contains(t.name)) return t.name + " is missing";
    const std::string text = compare_bits(by_name[t.name], t.tensor);
    if (!text.empty()) return t.name + ": " + text;
  }
  return "";
}

}  // namespace

TrainConfig small_run(const std::string& model, std::uint64_t seed, std::int64_t epochs) {
  TrainConfig config;
  config.model.name = model;
  config.model.drop = 0.2;  // its masks are a function of the step
  config.model.seed = config.seed = config.data.seed = seed;
  config.data.dataset = "synthetic";
  config.data.train_num_samples = 43;  // the last three make no batch
  config.data.val_num_samples = 6;
  config.img_size = 8;
  config.num_classes = 3;
  config.batch_size = 4;
  config.epochs = epochs;
  config.model_ema = true;
  config.model_ema_decay = 0.9;
  config.workers = 0;
  config.log_interval = 1;
  config.checkpoint_hist = 1000;
  config.resolve();
  return config;
}

WatchedRun run_watched(const TrainConfig& config, const fs::path& folder, bool resume,
                       const std::function<void(Batch&, std::int64_t)>& change, FileOps& files) {
  set_num_threads(1);  // the work of a step is too small to share
  WatchedRun run;
  run.error = error_of([&] {
    TrainingRun trainer(config);
    if (resume) trainer.resume({.from = folder});
    const RunFolder run_folder({.dir = folder, .resume = resume}, files);
    FileWriter log(quick_files(), folder / "log.txt", FileWriter::Mode::append);
    ProgressOptions options;
    options.style = ProgressStyle::none;
    options.quiet = true;
    options.log = &log;
    Progress progress(options);
    run_folder.require_space(trainer.checkpoint_bytes());
    trainer.attach(run_folder.path(), run_folder.files(), progress);
    trainer.trainer().watch_batches([&](Batch& batch, std::int64_t step) {
      run.batches.resize(static_cast<std::size_t>(step) + 1);
      run.batches.back() = {batch.images.clone(), batch.targets.clone()};
      if (change) change(batch, step);
    });
    trainer.run();
  });
  read_files(run, folder);
  return run;
}

Checkpoint repeat_steps(const TrainConfig& config, const std::vector<SeenBatch>& batches,
                        const std::vector<TakenStep>& steps) {
  const DataSplits data = open_dataset(config.data);
  ModelConfig model_config = config.model;
  model_config.num_classes = *config.num_classes;
  model_config.img_size = *config.img_size;
  const auto model = make_model(model_config);
  Ema ema(model->store(), config.model_ema_decay);
  Optimizer optimizer(model->store(), config.optimizer, &ema);
  TrainStep step(*model, model->store(), optimizer, config.step_on(data));
  const ScheduleConfig schedule = config.schedule_over(config.data.train_num_samples / config.batch_size);
  for (const TakenStep& taken : steps) {
    const SeenBatch& batch = batches.at(static_cast<std::size_t>(taken.step));
    step.run(batch.images, batch.targets, taken.lr_factor * learning_rate(schedule, taken.step), taken.step);
    const auto done = step.take(true);
    REQUIRE(done);
    REQUIRE(done->result.applied);
  }
  return take_snapshot(*model, optimizer, &ema, {}, {}, 0);
}

std::string first_difference(const Checkpoint& got, const Checkpoint& want) {
  const std::string text = compare_tensors(got.model, want.model);
  return text.empty() ? compare_tensors(got.state, want.state) : text;
}

std::string find_non_finite(const Checkpoint& checkpoint) {
  for (const auto* tensors : {&checkpoint.model, &checkpoint.state}) {
    for (const NamedTensor& t : *tensors) {
      for (const double value : t.tensor.values<double>()) {
        if (!std::isfinite(value)) return t.name;
      }
    }
  }
  return "";
}

}  // namespace salu::test
