// SPDX-License-Identifier: MIT
/// Mixup and CutMix: the images of a batch are mixed with each other, and so are their targets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/rng.h"
#include "core/tensor.h"

namespace salu {

/// The images of a batch that go to one rank.
struct BatchPart {
  std::int64_t whole = 0;          ///< images of the batch on all ranks
  std::vector<std::int64_t> rows;  ///< the rank's rows of the whole batch, in increasing order
};

/// Gives every image to one rank; the shares differ by at most one. Mixing pairs images i and whole-1-i, so
/// each rank gets whole pairs and mixes its images alone. The remainder, fewer than 2 `ranks` images from the
/// middle, is distributed one by one.
BatchPart part_of_rank(std::int64_t whole, int rank, int ranks);

/// Images that share one random draw.
enum class MixMode {
  batch,  ///< all images of a batch
  pair,   ///< two images that are mixed with each other
  elem,   ///< each image has its own draw
};

/// timm's `Mixup`.
struct MixOptions {
  double mixup = 0;   ///< alpha of mixup's Beta(alpha, alpha); 0: no mixup
  double cutmix = 0;  ///< alpha of cutmix's Beta(alpha, alpha); 0: no cutmix
  /// Smallest and largest side of the box as shares of the image's side; cutmix then draws sides instead of
  /// an area. {0, 0}: not used.
  std::array<double, 2> cutmix_minmax{};
  double prob = 1;           ///< probability of mixing at all
  double switch_prob = 0.5;  ///< probability of cutmix when both are on
  MixMode mode = MixMode::batch;
  std::uint32_t off_epoch = 0;  ///< first epoch without mixing; 0: never off

  bool has_minmax() const { return cutmix_minmax[1] > 0; }
  bool uses_cutmix() const { return cutmix > 0 || has_minmax(); }
  bool enabled() const { return mixup > 0 || uses_cutmix(); }
};

/// "mixup 0.2, cutmix 1", or "".
std::string describe_mixing(const MixOptions& options);

/// Mixing of one image: it keeps the share `lambda`, and its partner gives the rest. With `cut`, the partner
/// gives the box [top, bottom) x [left, right), whose area is exactly the rest.
struct Mix {
  double lambda = 1;
  bool cut = false;
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
};

/// Beta(alpha, alpha) = G1 / (G1 + G2) with two Gamma(alpha) numbers of Marsaglia & Tsang 2000. Computed in
/// logarithms, because both numbers underflow for a small alpha.
double draw_beta(Rng& rng, double alpha);

/// Draws one Mix for each image of a batch. A pure function of its arguments.
std::vector<Mix> draw_mixes(const MixOptions& options, std::int64_t count, std::int64_t height,
                            std::int64_t width, RandomKey key);

/// Mixes image i of `images` (B,H,W,3) u8 with image B-1-i, rounding to whole pixel values, and row i of
/// `targets` (B,K) f32 with row B-1-i. With an odd B the middle one is unchanged. `key.time` is the epoch.
/// When ranks share a batch, `part` names this rank's images, which must include every image's partner; the
/// result equals that of the whole batch. Ref: Zhang et al., arXiv 1710.09412 (mixup); Yun et al., arXiv
/// 1905.04899 (cutmix)
void mix_batch(Tensor& images, Tensor& targets, const MixOptions& options, RandomKey key,
               const BatchPart* part = nullptr);

}  // namespace salu
