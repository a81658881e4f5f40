// SPDX-License-Identifier: MIT
/// Random parts of pictures.
#pragma once

#include <array>

#include "core/rng.h"
#include "data/image.h"

namespace salu {

/// The picture, moved by up to `padding` pixels each way; black where nothing was.
Image shifted(const Image& image, int padding, Rng& rng);

/// A part whose share of the area lies in `scale` and whose width / height in `ratio` (its logarithm evenly
/// drawn), as in Szegedy et al., "Going deeper with convolutions", 2014. Where ten draws do not fit: the
/// largest central part with an allowed ratio.
Region random_part(const ImageSize& size, std::array<double, 2> scale, std::array<double, 2> ratio, Rng& rng);

}  // namespace salu
