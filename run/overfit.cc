// SPDX-License-Identifier: MIT
#include "run/overfit.h"

#include <algorithm>

#include "run/first_batches.h"
#include "run/run_start.h"
#include "train/nonfinite.h"
#include "train/train_step.h"

namespace salu {
namespace {

TrainConfig without_noise(TrainConfig config) {
  config.augmentation.augment = false;
  config.aug_repeats = 0;
  config.mixing = {};
  config.smoothing = 0;
  config.model.drop = config.model.drop_path = 0;
  return config;
}

}  // namespace

OverfitResult overfit_batch(const TrainConfig& asked, std::int64_t steps,
                            const std::function<void(std::int64_t, double)>& report) {
  const TrainConfig config = without_noise(asked);
  const RunStart start = run_start(config);
  const std::vector<TrainBatch> batches = first_batches(start.data, config, 1);
  ParameterStore& store = start.model->store();
  Optimizer optimizer(store, config.optimizer, nullptr);
  TrainStep step(*start.model, store, optimizer, config.step_on(start.data));
  OverfitResult result{.pictures = config.pictures_per_step()};
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
         "the loss on {} pictures went from {:.4f} to {:.4f} in {} steps; expected below {:.4f}. Try more "
         "steps, another --lr (now {}), and look at the pictures and labels with --aug-preview",
         result.pictures, result.first_loss, result.last_loss, steps, 0.1 * result.first_loss,
         config.schedule.lr);
  }
  return fmt::format("learned: {} pictures, loss {:.4f} -> {:.4f} in {} steps\n", result.pictures,
                     result.first_loss, result.last_loss, steps);
}

}  // namespace salu
