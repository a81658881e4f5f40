// SPDX-License-Identifier: MIT
#include "run/trials.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/choices.h"
#include "core/gpu.h"
#include "data/image.h"
#include "run/run_start.h"
#include "train/nonfinite.h"
#include "train/train_step.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

/// More than one, so that a step cannot profit from inputs that the previous one left in a cache.
constexpr std::size_t kBatches = 3;

struct TrainBatch {
  Tensor images;   ///< u8 (N,S,S,3), N = images_per_step()
  Tensor targets;  ///< f32 (N,K)
};

/// Images of the first `count` steps of epoch 0, fewer when the epoch is shorter; augmented, smoothed and
/// mixed as `config` says.
std::vector<TrainBatch> first_batches(const DataSplits& data, const TrainConfig& config, std::size_t count) {
  const auto loader = make_loader(data, config.transform(data), true, loader_options(config, data, true));
  std::vector<TrainBatch> batches;
  Batch batch;
  loader->start(0);
  while (batches.size() < count && loader->next(batch)) batches.push_back({batch.images, batch.targets});
  return batches;
}

nlohmann::json profile_json(const BenchmarkResult& r) {
  const auto steps = static_cast<double>(r.ms.size());
  nlohmann::json rows = nlohmann::json::array();
  for (const ProfileRow& row : r.profile) {
    rows.push_back({{"op", row.op},
                    {"pass", pass_name(row.pass)},
                    {"calls", static_cast<double>(row.calls) / steps},
                    {"ms", row.ms / steps}});
  }
  return rows;
}

std::string profile_table(const BenchmarkResult& r) {
  const auto steps = static_cast<double>(r.ms.size());
  double total = 0;
  for (const ProfileRow& row : r.profile) total += row.ms;
  std::string out =
      fmt::format("\n{:<28}{:<10}{:>12}{:>12}{:>9}\n", "op", "pass", "calls/step", "ms/step", "share");
  for (const ProfileRow& row : r.profile) {
    out += fmt::format("{:<28}{:<10}{:>12.6g}{:>12.3f}{:>7.1f} %\n", row.op, pass_name(row.pass),
                       static_cast<double>(row.calls) / steps, row.ms / steps, 100 * row.ms / total);
  }
  return out + fmt::format("{:<50}{:>12.3f}{:>7.1f} %\n", "all", total / steps, 100.0);
}

double mib(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// Images per second at a time per step.
double rate(const TrainConfig& config, double ms) {
  return 1e3 * static_cast<double>(config.images_per_step()) / ms;
}

TrainConfig without_noise(TrainConfig config) {
  config.augmentation.augment = false;
  config.aug_repeats = 0;
  config.mixing = {};
  config.smoothing = 0;
  config.model.drop = config.model.drop_path = 0;
  return config;
}

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

std::string benchmark_json(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r) {
  const double median = r.quantile(0.5);
  nlohmann::json out{{"model", config.model.name},
                     {"parameters", r.parameters},
                     {"batch", config.images_per_step()},
                     {"img_size", r.img_size},
                     {"device", describe_placement(config.model.placement, device)},
                     {"precision", dtype_name(config.model.placement.activations)},
                     {"kernels", choice_name(kKernelSources, device.handwritten)},
                     {"graph", config.step.record},
                     {"deterministic", device.deterministic},
                     {"first_step_ms", r.first_step_ms},
                     {"ms", r.ms},
                     {"ms_median", median},
                     {"img_per_s", rate(config, median)},
                     {"peak_mib", mib(r.peak_bytes)},
                     {"held_mib", mib(r.held_bytes)},
                     {"loss", r.loss}};
  if (!r.profile.empty()) out["profile"] = profile_json(r);
  return out.dump() + "\n";
}

std::string benchmark_text(const TrainConfig& config, const DeviceOptions& device, const BenchmarkResult& r) {
  const double fast = r.quantile(0.1), median = r.quantile(0.5), slow = r.quantile(0.9);
  return fmt::format(
             "{}, batch {}, on {}: {:.1f} img/s ({:.1f}..{:.1f}), {:.3f} ms/step ({:.3f}..{:.3f}, 10 %..90 % "
             "of {} steps), peak memory {:.1f} MiB, loss {:.4f}\n",
             config.model.name, config.images_per_step(), describe_placement(config.model.placement, device),
             rate(config, median), rate(config, slow), rate(config, fast), median, fast, slow, r.ms.size(),
             mib(r.peak_bytes), r.loss) +
         (r.profile.empty() ? "" : profile_table(r));
}

OverfitResult overfit_batch(const TrainConfig& asked, std::int64_t steps,
                            const std::function<void(std::int64_t, double)>& report) {
  const TrainConfig config = without_noise(asked);
  const RunStart start = run_start(config);
  const std::vector<TrainBatch> batches = first_batches(start.data, config, 1);
  ParameterStore& store = start.model->store();
  Optimizer optimizer(store, config.optimizer, nullptr);
  TrainStep step(*start.model, store, optimizer, config.step_on(start.data));
  OverfitResult result{.images = config.images_per_step()};
  const auto take = [&](bool all) {
    while (const auto done = step.take(all)) {
      if (!done->result.applied) {
        fail(ErrorCode::numerics, "{} at step {}; expected finite numbers. Lower --lr (now {})",
             figures_text(done->result.loss, done->result.norm), done->step + 1, config.schedule.lr);
      }
      (done->step == 0 ? result.first_loss : result.last_loss) = done->result.loss;
      report(done->step + 1, done->result.loss);
    }
  };
  const double warmup = std::max(1.0, 0.1 * static_cast<double>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const double lr = config.schedule.lr * std::min(1.0, static_cast<double>(i + 1) / warmup);
    step.run(batches[0].images, batches[0].targets, lr, i);
    take(false);
  }
  take(true);
  return result;
}

std::string learn_by_heart(const TrainConfig& config, std::int64_t steps,
                           const std::function<void(std::int64_t, double)>& report) {
  const OverfitResult result = overfit_batch(config, steps, report);
  if (!result.learned()) {
    fail(ErrorCode::numerics,
         "the loss on {} images went from {:.4f} to {:.4f} in {} steps; expected below {:.4f}. Try more "
         "steps, another --lr (now {}), and look at the images and labels with --aug-preview",
         result.images, result.first_loss, result.last_loss, steps, 0.1 * result.first_loss,
         config.schedule.lr);
  }
  return fmt::format("learned: {} images, loss {:.4f} -> {:.4f} in {} steps\n", result.images,
                     result.first_loss, result.last_loss, steps);
}

Image augmentation_preview(const TrainConfig& config) {
  constexpr std::int64_t kImages = 8;
  constexpr std::uint32_t kVersions = 8;
  const DataSplits data = config.open_data();
  const TransformOptions transform = config.transform(data);
  const std::int64_t size = data.train->size(), images = std::min(kImages, size);
  std::vector<std::vector<Image>> rows;
  for (std::int64_t i = 0; i < images; ++i) {
    // + i, because classes may repeat at regular intervals
    const std::int64_t index = (i * size / images + i) % size;
    const Image image = data.train->image(index);
    std::vector<Image> row{eval_transform(image, transform)};
    for (std::uint32_t epoch = 0; epoch < kVersions; ++epoch) {
      const RandomKey key{config.seed, Purpose::augment, epoch, static_cast<std::uint32_t>(index)};
      row.push_back(train_transform(image, transform, key));
    }
    rows.push_back(std::move(row));
  }
  return contact_sheet(rows);
}

}  // namespace salu
