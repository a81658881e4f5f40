// SPDX-License-Identifier: MIT
/// Erasing of rectangles.
#pragma once

#include <array>

#include "core/rng.h"
#include "data/image.h"

namespace salu {

/// What stands in an erased rectangle: the mean colour, one random colour each, a random colour for each
/// pixel.
enum class EraseMode { constant, color, pixel };

struct EraseOptions {
  double chance = 0;  ///< that a picture loses anything
  EraseMode mode = EraseMode::pixel;
  int count = 1;  ///< most rectangles; each covers 2 % to 33 % of the picture, divided by their number
};

/// Mean and standard deviation of each channel, in 0..1.
struct PixelMoments {
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f}, std{0.25f, 0.25f, 0.25f};

  Rgb mean_color() const;  ///< in 0..255, rounded and cut
};

/// Random erasing (Zhong et al., arXiv 1708.04896) with timm's sizes. timm draws its colours normally
/// distributed behind the normalisation; these have the same mean and deviation, and are cut to 0..255.
void random_erase(Image& image, const EraseOptions& options, const PixelMoments& moments, Rng& rng);

/// Cutout (DeVries and Taylor, arXiv 1708.04552): a square of `side` pixels around a random pixel, as far as
/// it lies inside.
void cutout(Image& image, int side, Rgb color, Rng& rng);

}  // namespace salu
