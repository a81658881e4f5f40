// SPDX-License-Identifier: MIT
/// Training steps of a network on random images, as salutrain runs them: forward, loss, backward,
/// optimizer.
///   build/bench/bench_train MODEL BATCH THREADS STEPS [IMG_SIZE] [f32|bf16]
/// Prints one JSON object: milliseconds per step (all of them), seconds of the first step, images per second
/// by the median, and peak memory.
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "bench/timing.h"
#include "core/allocator.h"
#include "core/choices.h"
#include "core/ops/batch_inputs.h"
#include "core/parallel.h"
#include "models/model.h"
#include "train/optimizer.h"

namespace salu::bench {
namespace {

constexpr std::pair<const char*, DType> kActivations[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};

int run(const std::string& name, std::int64_t batch, int steps, std::int64_t size, DType activations) {
  ModelConfig config;
  config.name = name;
  config.img_size = size;
  config.placement.activations = activations;
  const auto model = make_model(config);
  Optimizer optimizer(model->store(), {});
  optimizer.set_lr(0.01);
  Tensor images = Tensor::empty({batch, size, size, 3});
  Tensor labels = Tensor::empty({batch}, DType::i64);
  Rng rng({1, Purpose::test, 0, 0});
  for (std::int64_t i = 0; i < images.numel(); ++i)
    images.data<float>()[i] = static_cast<float>(rng.normal());
  for (std::int64_t i = 0; i < batch; ++i) labels.data<std::int64_t>()[i] = rng.below(10);
  const Tensor targets = smoothed_targets(labels, 10, 0, SmoothingKind::uniform);
  images = images.to(activations);
  double last_loss = 0;
  std::vector<Timed> timed = {{name, [&] {
                                 Context context;
                                 context.training = true;
                                 const Variable loss =
                                     cross_entropy(model->forward(Variable(images), context), targets);
                                 model->store().gradients().fill(0);
                                 backward(loss);
                                 optimizer.step(loss.value());
                                 last_loss = loss.value().item();
                               }}};
  const auto start = std::chrono::steady_clock::now();
  timed[0].body();
  const std::chrono::duration<double> first = std::chrono::steady_clock::now() - start;
  time_interleaved(timed, steps);
  std::vector<double> ms;
  for (const double s : timed[0].seconds) ms.push_back(s * 1e3);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const nlohmann::json out{{"model", name},
                           {"batch", batch},
                           {"threads", num_threads()},
                           {"precision", choice_name(kActivations, activations)},
                           {"ms", ms},
                           {"first_s", first.count()},
                           {"img_per_s", static_cast<double>(batch) / timed[0].median()},
                           {"peak_rss_mib", static_cast<double>(usage.ru_maxrss) / 1024},
                           {"tensors_peak_mib", static_cast<double>(host_memory().peak_bytes) / (1 << 20)},
                           {"loss", last_loss}};
  fmt::print("{}\n", out.dump());
  return 0;
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  const auto activations = salu::find_choice(salu::bench::kActivations, argc > 6 ? argv[6] : "f32");
  if (argc < 5 || !activations) {
    fmt::print(stderr, "bench_train MODEL BATCH THREADS STEPS [IMG_SIZE] [f32|bf16]\n");
    return 2;
  }
  salu::set_num_threads(std::atoi(argv[3]));
  return salu::bench::run(argv[1], std::atoll(argv[2]), std::atoi(argv[4]),
                          argc > 5 ? std::atoll(argv[5]) : 32, *activations);
}
