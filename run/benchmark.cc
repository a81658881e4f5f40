// SPDX-License-Identifier: MIT
#include "run/benchmark.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "core/backend.h"
#include "run/first_batches.h"
#include "run/run_start.h"
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
  const RunStart start = run_start(config);
  const std::vector<TrainBatch> inputs = first_batches(start.data, config, kBatches);
  ParameterStore& store = start.model->store();
  std::unique_ptr<Ema> ema;
  if (config.model_ema) {
    ema = std::make_unique<Ema>(store, config.model_ema_decay, config.model_ema_warmup);
  }
  Optimizer optimizer(store, config.optimizer, ema.get());
  TrainStep step(*start.model, store, optimizer, config.step_on(start.data));

  BenchmarkResult result;
  result.parameters = store.count();
  result.img_size = start.card.model.img_size;
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
  const Device device = store.values().device();
  std::optional<Profile> clock;
  for (std::int64_t i = 0; i < kBenchmarkWarmup + steps; ++i) {
    if (profile && i == kBenchmarkWarmup) {
      take(true);
      clock.emplace(device);
    }
    const TrainBatch& in = inputs[static_cast<std::size_t>(i) % inputs.size()];
    step.run(in.images, in.targets, config.schedule.lr, i);
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
