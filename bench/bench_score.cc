// SPDX-License-Identifier: MIT
/// The time of scoring without the network: rank of the truth, loss, calibration, counts per class, confusion
/// matrix.
///   build/bench/bench_score REPEATS
/// Microseconds per image on one core, over an evaluation of 10,000 images in batches of 200.
#include "bench/timing.h"
#include "core/error.h"
#include "core/rng.h"
#include "train/evaluator.h"

namespace salu::bench {
namespace {

constexpr std::int64_t kBatch = 200, kBatches = 50;

void run(int repeats) {
  std::int64_t sum = 0;  // keeps the work from being left out
  std::vector<Timed> all;
  for (const std::int64_t classes : {10, 100, 1000}) {
    Rng rng({1, Purpose::test, 0, static_cast<std::uint32_t>(classes)});
    Tensor logits = Tensor::empty({kBatch, classes}, DType::f32);
    Tensor labels = Tensor::empty({kBatch}, DType::i64);
    for (std::int64_t i = 0; i < logits.numel(); ++i) {
      logits.data<float>()[i] = static_cast<float>(3 * rng.normal());
    }
    for (std::int64_t i = 0; i < kBatch; ++i) {
      labels.data<std::int64_t>()[i] = rng.below(static_cast<std::uint32_t>(classes));
    }
    all.push_back({fmt::format("{} classes", classes), [=, &sum] {
                     EvalResult result;
                     for (std::int64_t b = 0; b < kBatches; ++b) count_batch(result, logits, labels);
                     sum += confusion_matrix(result)[0] + result.correct1;
                   }});
  }
  time_interleaved(all, repeats);
  for (const Timed& t : all) {
    const auto each = [&](double q) { return 1e6 * t.quantile(q) / static_cast<double>(kBatch * kBatches); };
    fmt::print("{:<14} {:>8.3f} us per image ({:.3f}..{:.3f})\n", t.name, each(0.5), each(0.1), each(0.9));
  }
  check(sum >= 0, "[bench_score] expected counts");
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "bench_score REPEATS\n");
    return 2;
  }
  salu::bench::run(std::atoi(argv[1]));
}
