// SPDX-License-Identifier: MIT
/// Mixup and CutMix: the pictures of a batch are mixed with each other, and so are their targets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/rng.h"
#include "core/tensor.h"
#include "data/batch_part.h"

namespace salu {

/// Who shares one draw of numbers.
enum class MixMode {
  batch,  ///< all pictures of a batch
  pair,   ///< two pictures that are mixed with each other
  elem,   ///< nobody
};

/// timm's `Mixup`.
struct MixOptions {
  double mixup = 0;   ///< alpha of its Beta(alpha, alpha); 0: no mixup
  double cutmix = 0;  ///< the same for cutmix
  /// Least and greatest side of the box relative to the picture's; with it cutmix draws no area. {0, 0}:
  /// none.
  std::array<double, 2> cutmix_minmax{};
  double prob = 1;           ///< chance that anything is mixed
  double switch_prob = 0.5;  ///< chance of cutmix where both are on
  MixMode mode = MixMode::batch;
  std::uint32_t off_epoch = 0;  ///< from this epoch on nothing is mixed; 0: never off

  bool has_minmax() const { return cutmix_minmax[1] > 0; }
  bool uses_cutmix() const { return cutmix > 0 || has_minmax(); }
  bool enabled() const { return mixup > 0 || uses_cutmix(); }
};

/// "mixup 0.2, cutmix 1", or "".
std::string describe_mixing(const MixOptions& options);

/// What happens to one picture: it keeps the share `lambda`, its partner has the rest. With `cut` the
/// partner's part is the box [top, bottom) x [left, right), whose area is the rest exactly.
struct Mix {
  double lambda = 1;
  bool cut = false;
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
};

/// Beta(alpha, alpha) = G1 / (G1 + G2) with two Gamma(alpha) numbers of Marsaglia & Tsang 2000. Everything is
/// done in logarithms: for a small alpha both underflow.
double draw_beta(Rng& rng, double alpha);

/// One for each picture of a batch: a pure function of its arguments.
std::vector<Mix> draw_mixes(const MixOptions& options, std::int64_t pictures, std::int64_t height,
                            std::int64_t width, RandomKey key);

/// Mixes picture i of `images` (B,H,W,3) u8 with picture B-1-i, rounding to whole pixel values, and row i of
/// `targets` (B,K) f32 with row B-1-i; with an odd B the middle one stays as it is. `key.time` is the epoch.
/// Of a batch that ranks share, `part` says which pictures these are: they become what they would be in the
/// whole batch. Its partner must be there for every picture.
/// Ref: Zhang et al., arXiv 1710.09412 (mixup); Yun et al., arXiv 1905.04899 (cutmix)
void mix_batch(Tensor& images, Tensor& targets, const MixOptions& options, RandomKey key,
               const BatchPart* part = nullptr);

}  // namespace salu
