// SPDX-License-Identifier: MIT
/// Mixup and CutMix against closed forms.
#include "data/mixing.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/generated.h"
#include "data/loader.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

constexpr RandomKey kKey{42, Purpose::mixing, 3, 7};

struct Batch4 {
  Tensor images, targets;
};

/// Images of noise, targets with rows that sum to 1.
Batch4 noise(std::int64_t images, std::int64_t height, std::int64_t width, std::int64_t classes) {
  Batch4 b{Tensor::empty({images, height, width, 3}, DType::u8), Tensor::zeros({images, classes})};
  Rng rng({1, Purpose::test, 0, 0});
  for (std::int64_t i = 0; i < b.images.numel(); ++i) {
    b.images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.below(256));
  }
  for (std::int64_t i = 0; i < images; ++i) {
    for (std::int64_t k = 0; k < classes; ++k)
      b.targets.data<float>()[i * classes + k] = 0.1f / static_cast<float>(classes);
    b.targets.data<float>()[i * classes + i % classes] += 0.9f;
  }
  return b;
}

/// The share of Beta(alpha, alpha) below x, for the alphas where it has a short formula.
double beta_below(double alpha, double x) {
  if (alpha == 0.5) return 2 / std::numbers::pi * std::asin(std::sqrt(x));
  if (alpha == 1) return x;
  return x * x * (3 - 2 * x);  // alpha = 2
}

TEST_CASE("the Beta sampler has its distribution") {
  constexpr int kDraws = 20000;
  for (const double alpha : {0.5, 1.0, 2.0}) {
    Rng rng(kKey);
    std::vector<double> draws;
    for (int i = 0; i < kDraws; ++i) draws.push_back(draw_beta(rng, alpha));
    std::sort(draws.begin(), draws.end());
    double worst = 0;
    for (int i = 0; i < kDraws; ++i) {
      worst = std::max(worst, std::abs(beta_below(alpha, draws[static_cast<std::size_t>(i)]) -
                                       (i + 0.5) / static_cast<double>(kDraws)));
    }
    INFO("alpha " << alpha);
    CHECK(worst < 1.95 / std::sqrt(kDraws));  // Kolmogorov: 1 in 1000 exceeds 1.95 / sqrt(n)
  }
  for (const double alpha : {0.001, 0.2, 0.8, 30.0}) {
    Rng rng(kKey);
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = draw_beta(rng, alpha) - 0.5;
      CHECK(std::isfinite(x));
      sum += x, squares += x * x;
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    INFO("alpha " << alpha);
    CHECK(std::abs(sum / kDraws) < 4 * std::sqrt(variance / kDraws));
    CHECK(squares / kDraws == Approx(variance).epsilon(0.05));
  }
}

TEST_CASE("mixed pixels and targets are the weighted sums of two images") {
  for (const MixMode mode : {MixMode::batch, MixMode::pair, MixMode::elem}) {
    for (const std::int64_t images : {2, 5, 8}) {
      MixOptions options;
      options.mixup = 0.8;
      options.cutmix = 1;
      options.mode = mode;
      const Batch4 before = noise(images, 9, 7, 11);
      Batch4 after{before.images.clone(), before.targets.clone()};
      mix_batch(after.images, after.targets, options, kKey);
      const std::vector<Mix> mixes = draw_mixes(options, images, 9, 7, kKey);
      const auto old_pixels = before.images.values<double>(), pixels = after.images.values<double>();
      const auto old_targets = before.targets.values<double>(), targets = after.targets.values<double>();
      const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
      for (std::int64_t i = 0; i < images; ++i) {
        const std::int64_t j = images - 1 - i;
        const Mix& mix = mixes[at(i)];
        if (mode == MixMode::batch) CHECK(mix.lambda == mixes[0].lambda);
        if (mode == MixMode::pair) CHECK(mix.lambda == mixes[at(j)].lambda);
        double sum = 0;
        for (std::int64_t k = 0; k < 11; ++k) {
          const double want =
              mix.lambda * old_targets[at(i * 11 + k)] + (1 - mix.lambda) * old_targets[at(j * 11 + k)];
          CHECK(targets[at(i * 11 + k)] == Approx(want).margin(1e-6));
          sum += targets[at(i * 11 + k)];
        }
        CHECK(sum == Approx(1).margin(1e-6));
        double worst = 0;
        for (std::int64_t p = 0; p < 9 * 7 * 3; ++p) {
          const std::int64_t y = p / 21, x = p / 3 % 7;
          const bool in_box = y >= mix.top && y < mix.bottom && x >= mix.left && x < mix.right;
          const double own = old_pixels[at(i * 189 + p)], other = old_pixels[at(j * 189 + p)];
          const double want = !mix.cut ? mix.lambda * own + (1 - mix.lambda) * other : in_box ? other : own;
          worst = std::max(worst, std::abs(pixels[at(i * 189 + p)] - want));
        }
        CHECK(worst <= (mix.cut ? 0 : 0.5001));  // half a step of rounding
      }
    }
  }
}

TEST_CASE("the area of a cutmix box is the partner's share exactly") {
  MixOptions options;
  options.cutmix = 1;
  options.mode = MixMode::elem;
  for (const bool minmax : {false, true}) {
    if (minmax) options.cutmix_minmax = {0.3, 0.7};
    double mean = 0;
    const std::vector<Mix> mixes = draw_mixes(options, 4000, 33, 20, kKey);
    for (const Mix& m : mixes) {
      REQUIRE((m.cut && 0 <= m.top && m.top <= m.bottom && m.bottom <= 33));
      REQUIRE((0 <= m.left && m.left <= m.right && m.right <= 20));
      CHECK(1 - m.lambda ==
            Approx(static_cast<double>((m.bottom - m.top) * (m.right - m.left)) / (33 * 20)).margin(1e-12));
      if (minmax) {
        CHECK((m.bottom - m.top >= 9 && m.bottom - m.top <= 23));
        CHECK((m.right - m.left >= 6 && m.right - m.left <= 14));
      }
      mean += (1 - m.lambda) / 4000;
    }
    // Sides are uniform in 9..23 and 6..14: mean area 16 * 10. A box around any pixel loses what is over the
    // border, so its mean stays below the 1/2 of Beta(1,1).
    if (minmax) CHECK(mean == Approx(160.0 / 660).epsilon(0.03));
    if (!minmax) CHECK((mean > 0.2 && mean < 0.4));
  }
}

TEST_CASE("chances, the switch, and the end of mixing") {
  MixOptions options;
  options.mixup = 0.4;
  options.cutmix = 1;
  options.prob = 0.6;
  options.switch_prob = 0.25;
  options.mode = MixMode::elem;
  int cut = 0, mixed = 0;
  for (const Mix& m : draw_mixes(options, 8000, 32, 32, kKey)) {
    cut += m.cut;
    mixed += m.cut || m.lambda < 1;
  }
  CHECK(mixed / 8000.0 == Approx(0.6).margin(4 * std::sqrt(0.6 * 0.4 / 8000)));
  CHECK(cut / 8000.0 == Approx(0.15).margin(4 * std::sqrt(0.15 * 0.85 / 8000)));

  options.prob = 1;
  options.off_epoch = 3;
  Batch4 batch = noise(4, 8, 8, 3);
  const Tensor before = batch.images.clone();
  mix_batch(batch.images, batch.targets, options, {42, Purpose::mixing, 3, 0});
  CHECK(compare_bits(batch.images, before) == "");
  mix_batch(batch.images, batch.targets, options, {42, Purpose::mixing, 2, 0});
  CHECK(compare_bits(batch.images, before) != "");
}

TEST_CASE("any number of loader threads mixes alike, and so does an epoch taken up in the middle") {
  const auto dataset = std::make_shared<ShapesDataset>(3, ShapesSplit::train, 40);
  MixOptions mix;
  mix.mixup = 0.8;
  mix.cutmix = 1;
  const auto batches = [&](int workers, std::int64_t first) {
    LoaderOptions options;
    options.batch_size = 8;
    options.workers = workers;
    options.make_targets = [mix](Batch& batch, RandomKey key) {
      batch.targets = Tensor::zeros({batch.labels.dim(0), 10});
      for (std::int64_t i = 0; i < batch.labels.dim(0); ++i)
        batch.targets.data<float>()[i * 10 + batch.labels.data<std::int64_t>()[i]] = 1;
      mix_batch(batch.images, batch.targets, mix, key);
    };
    Loader loader(
        dataset, [](ImageSource& source, RandomKey) { return to_image(source.whole()); }, options);
    loader.start(2, first);
    std::vector<Batch> out;
    for (Batch batch; loader.next(batch);) out.push_back(batch);
    return out;
  };
  const auto want = batches(0, 0);
  REQUIRE(want.size() == 5);
  CHECK(compare_bits(want[0].targets, want[1].targets) != "");
  for (const int workers : {1, 3}) {
    for (const std::int64_t first : {0, 2}) {
      const auto got = batches(workers, first);
      REQUIRE(got.size() == static_cast<std::size_t>(5 - first));
      for (std::size_t b = 0; b < got.size(); ++b) {
        const Batch& expected = want[b + static_cast<std::size_t>(first)];
        CHECK(compare_bits(got[b].images, expected.images) == "");
        CHECK(compare_bits(got[b].targets, expected.targets) == "");
      }
    }
  }
}

TEST_CASE("shapes that do not belong together are refused") {
  Batch4 b = noise(4, 8, 8, 3);
  Tensor short_targets = Tensor::zeros({3, 3});
  CHECK_THAT(error_of([&] { mix_batch(b.images, short_targets, {}, kKey); }),
             Catch::Matchers::Contains("[mixing] expected targets (4,K), got (3,3)"));
  Tensor grey = Tensor::zeros({4, 8, 8, 1}, DType::u8);
  CHECK_THAT(error_of([&] { mix_batch(grey, b.targets, {}, kKey); }),
             Catch::Matchers::Contains("[mixing] expected images (B,H,W,3), got (4,8,8,1)"));
}

}  // namespace
}  // namespace salu::test
