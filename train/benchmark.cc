// SPDX-License-Identifier: MIT
#include "train/benchmark.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/backend.h"
#include "data/loader.h"
#include "train/batch_targets.h"
#include "train/train_step.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

/// More than one, so that a step cannot profit from inputs that the last one left in a cache.
constexpr std::int64_t kBatches = 3;

struct Inputs {
  Tensor images, targets;
};

std::vector<Inputs> read_batches(const DataSplits& data, const TrainConfig& config) {
  const TransformOptions transform = config.transform(data);
  LoaderOptions options;
  options.batch_size = config.pictures_per_step();
  options.workers = config.workers;
  options.shuffle = true;
  options.drop_last = true;
  options.seed = config.seed;
  options.finish = target_maker(config, *data.train);
  Loader loader(
      data.train, [&](Picture& picture, RandomKey key) { return train_transform(picture, transform, key); },
      options);
  std::vector<Inputs> inputs;
  Batch batch;
  loader.start(0);
  while (static_cast<std::int64_t>(inputs.size()) < kBatches && loader.next(batch)) {
    inputs.push_back({batch.images, batch.targets});
  }
  return inputs;
}

}  // namespace

double BenchmarkResult::quantile(double q) const {
  std::vector<double> sorted = ms;
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(std::lround(q * static_cast<double>(sorted.size() - 1)))];
}

BenchmarkResult run_benchmark(const TrainConfig& config, std::int64_t steps) {
  const DataSplits data = open_dataset(config.data);
  const std::vector<Inputs> inputs = read_batches(data, config);
  ModelConfig model_config = config.model;
  model_config.num_classes = static_cast<std::int64_t>(data.train->class_names().size());
  model_config.img_size = config.img_size.value_or(data.img_size);
  const auto model = make_model(model_config);
  std::unique_ptr<Ema> ema;
  if (config.model_ema) {
    ema = std::make_unique<Ema>(model->store(), config.model_ema_decay, config.model_ema_warmup);
  }
  Optimizer optimizer(model->store(), config.optimizer(), ema.get());
  TrainStep step(*model, model->store(), optimizer, config.step(data));

  BenchmarkResult result;
  result.parameters = model->store().count();
  result.img_size = model_config.img_size;
  Clock::time_point last = Clock::now();
  const auto take = [&](bool all) {
    while (const auto done = step.take(all)) {
      const Clock::time_point now = Clock::now();
      if (done->step >= kBenchmarkWarmup) {
        result.ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
      }
      if (done->step == 0)
        result.first_step_ms = std::chrono::duration<double, std::milli>(now - last).count();
      last = now;
      result.loss = done->result.loss;
    }
  };
  for (std::int64_t i = 0; i < kBenchmarkWarmup + steps; ++i) {
    const Inputs& in = inputs[static_cast<std::size_t>(i) % inputs.size()];
    step.run(in.images, in.targets, *config.lr, i);
    take(false);
  }
  take(true);
  const MemoryStats memory = memory_of(model->store().values().device());
  result.peak_bytes = memory.peak_bytes;
  result.held_bytes = memory.live_bytes + memory.cached_bytes;
  return result;
}

}  // namespace salu
