// SPDX-License-Identifier: MIT
/// Shearing, shifting and turning of pictures, with Pillow's pixels.
#pragma once

#include <array>

#include "data/image.h"

namespace salu {

enum class Sampling { nearest, bilinear, bicubic };

/// The pixel whose middle is (x, y) takes the source at (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
using Affine = std::array<double, 6>;

/// A picture of the same size; `fill` where the source lies outside. Bit for bit what Pillow's
/// Image.transform(size, AFFINE, m, sampling, fillcolor=fill) gives: nearest neighbours in fixed point with
/// 16 binary digits, the others in double, cut (not rounded) to 8 bits.
Image affine(const Image& source, const Affine& m, Sampling sampling, Rgb fill);

/// Turns counter-clockwise about the centre, as Pillow's Image.rotate(degrees) does.
Affine rotation(int height, int width, double degrees);

}  // namespace salu
