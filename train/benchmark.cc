// SPDX-License-Identifier: MIT
#include "train/benchmark.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "core/backend.h"
#include "train/first_batches.h"
#include "train/train_step.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

/// More than one, so that a step cannot profit from inputs that the last one left in a cache.
constexpr std::size_t kBatches = 3;

}  // namespace

double BenchmarkResult::quantile(double q) const {
  std::vector<double> sorted = ms;
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(std::lround(q * static_cast<double>(sorted.size() - 1)))];
}

BenchmarkResult run_benchmark(const TrainConfig& config, std::int64_t steps, bool profile) {
  const DataSplits data = open_dataset(config.data);
  const std::vector<TrainBatch> inputs = first_batches(data, config, kBatches);
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
  const Device device = model->store().values().device();
  std::optional<Profile> clock;
  for (std::int64_t i = 0; i < kBenchmarkWarmup + steps; ++i) {
    if (profile && i == kBenchmarkWarmup) {
      take(true);
      clock.emplace(device);
    }
    const TrainBatch& in = inputs[static_cast<std::size_t>(i) % inputs.size()];
    step.run(in.images, in.targets, *config.lr, i);
    take(false);
  }
  take(true);
  if (clock) result.profile = clock->rows();
  const MemoryStats memory = memory_of(device);
  result.peak_bytes = memory.peak_bytes;
  result.held_bytes = memory.live_bytes + memory.cached_bytes;
  return result;
}

}  // namespace salu
