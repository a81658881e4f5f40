// SPDX-License-Identifier: MIT
/// Policies that choose augmentation steps at random: RandAugment, AutoAugment, TrivialAugment.
///
// clang-format off
/// | name                         | policy                                              | empty corners | sampling                 |
/// |------------------------------|-----------------------------------------------------|---------------|--------------------------|
/// | rand-m9-n2-mstd0.5-inc1      | timm's RandAugment (arXiv 1909.13719)               | mean          | training's               |
/// | v0, v0r, original, originalr | timm's AutoAugment for ImageNet (arXiv 1805.09501)  | mean          | training's               |
/// | cifar10                      | AutoAugment for CIFAR-10                            | 128           | nearest; shear: bicubic  |
/// | ta_wide, trivial             | torchvision's TrivialAugmentWide (arXiv 2103.10158) | black         | nearest                  |
// clang-format on
///
/// Sections of rand: m magnitude of 10, n number of steps, p the chance of each, mstd the standard deviation
/// of the magnitude (above 100: uniform from 0 to m), mmax its limit, inc1: every step is stronger at a
/// larger magnitude. v0 and original take -mstd as well.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rng.h"
#include "data/augment_ops.h"
#include "data/resize.h"

namespace salu {

struct AugmentStep {
  AugmentKind kind = AugmentKind::identity;
  double value = 0;
  Warp warp;
};

/// One step of a searched policy: applies `kind` at level 0..10 with probability `chance`. Each image gets a
/// random pair of steps.
struct PolicyEntry {
  AugmentKind kind;
  double chance;
  int level;
};
using SubPolicy = std::array<PolicyEntry, 2>;

/// The searched policies, 25 pairs each.
std::span<const SubPolicy> cifar10_policy();
std::span<const SubPolicy> imagenet_policy();     ///< the paper's: timm's `original`
std::span<const SubPolicy> imagenet_policy_v0();  ///< the EfficientNet code's: timm's `v0`

class AutoAugment {
 public:
  AutoAugment() = default;  ///< no steps
  /// Throws ErrorCode::usage about --aa for an unknown name or section. "none" gives the default policy.
  static AutoAugment parse(const std::string& text);

  bool empty() const { return family_ == Family::none; }
  const std::string& name() const { return name_; }  ///< the text given to parse()
  /// The random steps for one image of this size. `interpolation` applies to warps; without it each warp
  /// draws its own. `mean` fills empty corners.
  std::vector<AugmentStep> draw(int height, int width, std::optional<Interpolation> interpolation, Rgb mean,
                                Rng& rng) const;

 private:
  enum class Family { none, rand, timm_table, cifar10, trivial };
  enum class Posterize { up_to_4, from_4_down, from_4_up };  // range of the bits kept, from level 0 to 10
  struct Canvas;

  void read_section(const std::string& text, const std::string& section);
  AugmentStep timm_step(AugmentKind kind, double level, const Canvas& canvas, Rng& rng) const;
  AugmentStep timm_step_with_noise(AugmentKind kind, double level, const Canvas& canvas, Rng& rng) const;
  static AugmentStep cifar10_step(AugmentKind kind, int level, const Canvas& canvas, Rng& rng);
  static AugmentStep trivial_step(Rng& rng);

  std::string name_ = "none";
  Family family_ = Family::none;
  std::span<const SubPolicy> table_;
  Posterize posterize_ = Posterize::up_to_4;
  bool increasing_ = false;
  double magnitude_ = 10, magnitude_std_ = 0, magnitude_max_ = 10, chance_ = 0.5;
  int steps_ = 2;
};

/// Applies the steps in order.
Image augment(Image image, const std::vector<AugmentStep>& steps);

}  // namespace salu
