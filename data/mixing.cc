// SPDX-License-Identifier: MIT
#include "data/mixing.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace salu {
namespace {

/// ln u, u uniform in (0, 1].
double log_uniform(Rng& rng) { return std::log((static_cast<double>(rng.next()) + 1) * 0x1p-32); }

/// ln of a Gamma(shape) number. For shape < 1, Gamma(shape + 1) u^(1/shape) has the right distribution.
double log_gamma_number(Rng& rng, double shape) {
  if (shape < 1) return log_gamma_number(rng, shape + 1) + log_uniform(rng) / shape;
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.normal(), root = 1 + c * x, v = root * root * root;
    if (root > 0 && log_uniform(rng) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

/// A box of area (1 - lambda) H W around a random pixel, clipped to the image.
void draw_box(Mix& mix, Rng& rng, std::int64_t height, std::int64_t width) {
  const double side = std::sqrt(1 - mix.lambda);
  const auto span = [&](std::int64_t size, std::int64_t& begin, std::int64_t& end) {
    const std::int64_t half = static_cast<std::int64_t>(static_cast<double>(size) * side) / 2;
    const std::int64_t centre = rng.below(static_cast<std::uint32_t>(size));
    begin = std::max<std::int64_t>(centre - half, 0);
    end = std::min(centre + half, size);
  };
  span(height, mix.top, mix.bottom);
  span(width, mix.left, mix.right);
}

/// A box inside the image whose sides are random shares of the image's, within the given limits.
void draw_box(Mix& mix, Rng& rng, std::int64_t height, std::int64_t width,
              const std::array<double, 2>& minmax) {
  const auto span = [&](std::int64_t size, std::int64_t& begin, std::int64_t& end) {
    const auto share = [&](double s) { return static_cast<std::int64_t>(static_cast<double>(size) * s); };
    const std::int64_t least = share(minmax[0]), most = share(minmax[1]);
    const std::int64_t side = least + rng.below(static_cast<std::uint32_t>(most - least + 1));
    begin = rng.below(static_cast<std::uint32_t>(size - side + 1));
    end = begin + side;
  };
  span(height, mix.top, mix.bottom);
  span(width, mix.left, mix.right);
}

Mix draw_mix(const MixOptions& o, std::int64_t height, std::int64_t width, Rng& rng) {
  Mix mix;
  if (!rng.chance(o.prob)) return mix;
  mix.cut = o.uses_cutmix() && (o.mixup == 0 || rng.chance(o.switch_prob));
  if (!mix.cut) {
    mix.lambda = draw_beta(rng, o.mixup);
    return mix;
  }
  if (o.has_minmax()) {
    draw_box(mix, rng, height, width, o.cutmix_minmax);
  } else {
    mix.lambda = draw_beta(rng, o.cutmix);
    draw_box(mix, rng, height, width);
  }
  const std::int64_t area = (mix.bottom - mix.top) * (mix.right - mix.left);
  mix.lambda = 1 - static_cast<double>(area) / static_cast<double>(height * width);
  return mix;
}

/// out = lambda own + (1 - lambda) other, for one image of (H,W,3).
void mix_image(std::uint8_t* out, const std::uint8_t* own, const std::uint8_t* other, std::int64_t height,
               std::int64_t width, const Mix& mix) {
  if (mix.cut) {
    for (std::int64_t y = mix.top; y < mix.bottom; ++y) {
      const std::int64_t first = (y * width + mix.left) * 3, last = (y * width + mix.right) * 3;
      std::copy(other + first, other + last, out + first);
    }
    return;
  }
  const float keep = static_cast<float>(mix.lambda), take = static_cast<float>(1 - mix.lambda);
  for (std::int64_t i = 0; i < height * width * 3; ++i) {
    const float mixed = keep * static_cast<float>(own[i]) + take * static_cast<float>(other[i]);
    out[i] = static_cast<std::uint8_t>(mixed + 0.5f);
  }
}

void mix_targets(float* out, const float* own, const float* other, std::int64_t classes, double lambda) {
  for (std::int64_t k = 0; k < classes; ++k) {
    out[k] = static_cast<float>(lambda * static_cast<double>(own[k]) +
                                (1 - lambda) * static_cast<double>(other[k]));
  }
}

/// The mixes of the images of a part, as drawn for the whole batch.
std::vector<Mix> mixes_of(const BatchPart* part, const MixOptions& options, std::int64_t count,
                          std::int64_t height, std::int64_t width, RandomKey key) {
  if (!part) return draw_mixes(options, count, height, width, key);
  const std::vector<Mix> all = draw_mixes(options, part->whole, height, width, key);
  check(static_cast<std::int64_t>(part->rows.size()) == count, "[mixing] expected {} images, got {}",
        part->rows.size(), count);
  std::vector<Mix> mixes;
  for (std::size_t i = 0; i < part->rows.size(); ++i) {
    const std::int64_t row = part->rows[i], partner = part->rows[part->rows.size() - 1 - i];
    const Mix& mix = all[static_cast<std::size_t>(row)];
    check(mix.lambda == 1 || partner == part->whole - 1 - row,
          "[mixing] expected the partner of image {} of {}, got {}", row, part->whole, partner);
    mixes.push_back(mix);
  }
  return mixes;
}

}  // namespace

BatchPart part_of_rank(std::int64_t whole, int rank, int ranks) {
  check(whole >= 0 && rank >= 0 && rank < ranks, "[batch_part] expected a rank below {}, got {} of {} images",
        ranks, rank, whole);
  const std::int64_t pairs = whole / (2 * ranks), middle = whole - 2 * pairs * ranks;
  BatchPart part{whole, {}};
  const auto take = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) part.rows.push_back(row);
  };
  take(pairs * rank, pairs * (rank + 1));
  take(pairs * ranks + middle * rank / ranks, pairs * ranks + middle * (rank + 1) / ranks);
  take(whole - pairs * (rank + 1), whole - pairs * rank);
  return part;
}

std::string describe_mixing(const MixOptions& options) {
  std::vector<std::string> kinds;
  if (options.mixup > 0) kinds.push_back(fmt::format("mixup {:g}", options.mixup));
  if (options.has_minmax()) {
    kinds.push_back(
        fmt::format("cutmix of sides {:g}..{:g}", options.cutmix_minmax[0], options.cutmix_minmax[1]));
  } else if (options.cutmix > 0) {
    kinds.push_back(fmt::format("cutmix {:g}", options.cutmix));
  }
  return fmt::format("{}", fmt::join(kinds, ", "));
}

double draw_beta(Rng& rng, double alpha) {
  const double first = log_gamma_number(rng, alpha), second = log_gamma_number(rng, alpha);
  return 1 / (1 + std::exp(second - first));
}

std::vector<Mix> draw_mixes(const MixOptions& options, std::int64_t count, std::int64_t height,
                            std::int64_t width, RandomKey key) {
  std::vector<Mix> mixes(static_cast<std::size_t>(count));
  if (!options.enabled() || (options.off_epoch > 0 && key.time >= options.off_epoch)) return mixes;
  Rng rng(key);
  if (options.mode == MixMode::batch) {
    std::fill(mixes.begin(), mixes.end(), draw_mix(options, height, width, rng));
    return mixes;
  }
  const bool pairs = options.mode == MixMode::pair;
  for (std::size_t i = 0; i < (pairs ? (mixes.size() + 1) / 2 : mixes.size()); ++i) {
    mixes[i] = draw_mix(options, height, width, rng);
    if (pairs) mixes[mixes.size() - 1 - i] = mixes[i];
  }
  return mixes;
}

void mix_batch(Tensor& images, Tensor& targets, const MixOptions& options, RandomKey key,
               const BatchPart* part) {
  check(images.shape().rank() == 4 && images.dim(3) == 3, "[mixing] expected images (B,H,W,3), got {}",
        images.shape().str());
  check(targets.shape().rank() == 2 && targets.dim(0) == images.dim(0),
        "[mixing] expected targets ({},K), got {}", images.dim(0), targets.shape().str());
  const std::int64_t count = images.dim(0), height = images.dim(1), width = images.dim(2);
  const std::int64_t size = height * width * 3, classes = targets.dim(1);
  const std::vector<Mix> mixes = mixes_of(part, options, count, height, width, key);
  for (std::int64_t i = 0; i < count / 2; ++i) {
    const std::int64_t pair[2] = {i, count - 1 - i};
    std::uint8_t* pixels[2];
    float* rows[2];
    std::vector<std::uint8_t> old_pixels[2];
    std::vector<float> old_rows[2];
    for (int k = 0; k < 2; ++k) {
      pixels[k] = images.data<std::uint8_t>() + pair[k] * size;
      rows[k] = targets.data<float>() + pair[k] * classes;
      old_pixels[k].assign(pixels[k], pixels[k] + size);
      old_rows[k].assign(rows[k], rows[k] + classes);
    }
    for (int k = 0; k < 2; ++k) {
      const Mix& mix = mixes[static_cast<std::size_t>(pair[k])];
      if (mix.lambda == 1) continue;
      mix_image(pixels[k], old_pixels[k].data(), old_pixels[1 - k].data(), height, width, mix);
      mix_targets(rows[k], old_rows[k].data(), old_rows[1 - k].data(), classes, mix.lambda);
    }
  }
}

}  // namespace salu
