// SPDX-License-Identifier: MIT
#include "data/auto_augment.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace salu {
namespace {

using enum AugmentKind;

// The searched policies of AutoAugment (Cubuk et al., arXiv 1805.09501): {step, chance, level}; 0 for steps
// without a level.
constexpr SubPolicy kCifar10[] = {
    {{{invert, 0.1, 0}, {contrast, 0.2, 6}}},
    {{{rotate, 0.7, 2}, {translate_x, 0.3, 9}}},
    {{{sharpness, 0.8, 1}, {sharpness, 0.9, 3}}},
    {{{shear_y, 0.5, 8}, {translate_y, 0.7, 9}}},
    {{{auto_contrast, 0.5, 0}, {equalize, 0.9, 0}}},
    {{{shear_y, 0.2, 7}, {posterize, 0.3, 7}}},
    {{{color, 0.4, 3}, {brightness, 0.6, 7}}},
    {{{sharpness, 0.3, 9}, {brightness, 0.7, 9}}},
    {{{equalize, 0.6, 0}, {equalize, 0.5, 0}}},
    {{{contrast, 0.6, 7}, {sharpness, 0.6, 5}}},
    {{{color, 0.7, 7}, {translate_x, 0.5, 8}}},
    {{{equalize, 0.3, 0}, {auto_contrast, 0.4, 0}}},
    {{{translate_y, 0.4, 3}, {sharpness, 0.2, 6}}},
    {{{brightness, 0.9, 6}, {color, 0.2, 8}}},
    {{{solarize, 0.5, 2}, {invert, 0, 0}}},
    {{{equalize, 0.2, 0}, {auto_contrast, 0.6, 0}}},
    {{{equalize, 0.2, 0}, {equalize, 0.6, 0}}},
    {{{color, 0.9, 9}, {equalize, 0.6, 0}}},
    {{{auto_contrast, 0.8, 0}, {solarize, 0.2, 8}}},
    {{{brightness, 0.1, 3}, {color, 0.7, 0}}},
    {{{solarize, 0.4, 5}, {auto_contrast, 0.9, 0}}},
    {{{translate_y, 0.9, 9}, {translate_y, 0.7, 9}}},
    {{{auto_contrast, 0.9, 0}, {solarize, 0.8, 3}}},
    {{{equalize, 0.8, 0}, {invert, 0.1, 0}}},
    {{{translate_y, 0.7, 9}, {auto_contrast, 0.9, 0}}},
};

constexpr SubPolicy kImagenet[] = {
    {{{posterize, 0.4, 8}, {rotate, 0.6, 9}}},  {{{solarize, 0.6, 5}, {auto_contrast, 0.6, 0}}},
    {{{equalize, 0.8, 0}, {equalize, 0.6, 0}}}, {{{posterize, 0.6, 7}, {posterize, 0.6, 6}}},
    {{{equalize, 0.4, 0}, {solarize, 0.2, 4}}}, {{{equalize, 0.4, 0}, {rotate, 0.8, 8}}},
    {{{solarize, 0.6, 3}, {equalize, 0.6, 0}}}, {{{posterize, 0.8, 5}, {equalize, 1, 0}}},
    {{{rotate, 0.2, 3}, {solarize, 0.6, 8}}},   {{{equalize, 0.6, 0}, {posterize, 0.4, 6}}},
    {{{rotate, 0.8, 8}, {color, 0.4, 0}}},      {{{rotate, 0.4, 9}, {equalize, 0.6, 0}}},
    {{{equalize, 0, 0}, {equalize, 0.8, 0}}},   {{{invert, 0.6, 0}, {equalize, 1, 0}}},
    {{{color, 0.6, 4}, {contrast, 1, 8}}},      {{{rotate, 0.8, 8}, {color, 1, 2}}},
    {{{color, 0.8, 8}, {solarize, 0.8, 7}}},    {{{sharpness, 0.4, 7}, {invert, 0.6, 0}}},
    {{{shear_x, 0.6, 5}, {equalize, 1, 0}}},    {{{color, 0.4, 0}, {equalize, 0.6, 0}}},
    {{{equalize, 0.4, 0}, {solarize, 0.2, 4}}}, {{{solarize, 0.6, 5}, {auto_contrast, 0.6, 0}}},
    {{{invert, 0.6, 0}, {equalize, 1, 0}}},     {{{color, 0.6, 4}, {contrast, 1, 8}}},
    {{{equalize, 0.8, 0}, {equalize, 0.6, 0}}},
};

constexpr SubPolicy kImagenetV0[] = {
    {{{equalize, 0.8, 0}, {shear_y, 0.8, 4}}},
    {{{color, 0.4, 9}, {equalize, 0.6, 0}}},
    {{{color, 0.4, 1}, {rotate, 0.6, 8}}},
    {{{solarize, 0.8, 3}, {equalize, 0.4, 0}}},
    {{{solarize, 0.4, 2}, {solarize, 0.6, 2}}},
    {{{color, 0.2, 0}, {equalize, 0.8, 0}}},
    {{{equalize, 0.4, 0}, {solarize_add, 0.8, 3}}},
    {{{shear_x, 0.2, 9}, {rotate, 0.6, 8}}},
    {{{color, 0.6, 1}, {equalize, 1, 0}}},
    {{{invert, 0.4, 0}, {rotate, 0.6, 0}}},
    {{{equalize, 1, 0}, {shear_y, 0.6, 3}}},
    {{{color, 0.4, 7}, {equalize, 0.6, 0}}},
    {{{posterize, 0.4, 6}, {auto_contrast, 0.4, 0}}},
    {{{solarize, 0.6, 8}, {color, 0.6, 9}}},
    {{{solarize, 0.2, 4}, {rotate, 0.8, 9}}},
    {{{rotate, 1, 7}, {translate_y, 0.8, 9}}},
    {{{shear_x, 0, 0}, {solarize, 0.8, 4}}},
    {{{shear_y, 0.8, 0}, {color, 0.6, 4}}},
    {{{color, 1, 0}, {rotate, 0.6, 2}}},
    {{{equalize, 0.8, 0}, {equalize, 0, 0}}},
    {{{equalize, 1, 0}, {auto_contrast, 0.6, 0}}},
    {{{shear_y, 0.4, 7}, {solarize_add, 0.6, 7}}},
    {{{posterize, 0.8, 2}, {solarize, 0.6, 10}}},
    {{{solarize, 0.6, 8}, {equalize, 0.6, 0}}},
    {{{color, 0.8, 6}, {rotate, 0.4, 5}}},
};

using Kind = AugmentKind;

constexpr double kLevels = 10;  // timm's magnitudes are tenths

constexpr Kind kRandKinds[] = {Kind::auto_contrast, Kind::equalize,    Kind::invert,       Kind::rotate,
                               Kind::posterize,     Kind::solarize,    Kind::solarize_add, Kind::color,
                               Kind::contrast,      Kind::brightness,  Kind::sharpness,    Kind::shear_x,
                               Kind::shear_y,       Kind::translate_x, Kind::translate_y};
constexpr Kind kTrivialKinds[] = {Kind::identity,      Kind::shear_x,   Kind::shear_y,    Kind::translate_x,
                                  Kind::translate_y,   Kind::rotate,    Kind::brightness, Kind::color,
                                  Kind::contrast,      Kind::sharpness, Kind::posterize,  Kind::solarize,
                                  Kind::auto_contrast, Kind::equalize};

double with_sign(double value, Rng& rng) { return rng.chance(0.5) ? -value : value; }

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  fail(ErrorCode::usage, "--aa: {} in '{}'; expected for example rand-m9-n2-mstd0.5-inc1 or original-mstd0.5",
       what, text);
}

Sampling sampling_of(std::optional<Interpolation> interpolation, Rng& rng) {
  const bool cubic = interpolation ? *interpolation == Interpolation::bicubic : rng.chance(0.5);
  return cubic ? Sampling::bicubic : Sampling::bilinear;
}

}  // namespace

std::span<const SubPolicy> cifar10_policy() { return kCifar10; }
std::span<const SubPolicy> imagenet_policy() { return kImagenet; }
std::span<const SubPolicy> imagenet_policy_v0() { return kImagenetV0; }

/// The image size and the training options that the steps depend on.
struct AutoAugment::Canvas {
  int height, width;
  std::optional<Interpolation> interpolation;
  Rgb mean;
};

AutoAugment AutoAugment::parse(const std::string& text) {
  static const std::vector<std::string> names = {"none",      "rand",    "v0",      "v0r",    "original",
                                                 "originalr", "cifar10", "ta_wide", "trivial"};
  std::vector<std::string> sections;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('-', begin), text.size());
    sections.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const std::string& name = sections.front();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    fail(ErrorCode::usage, "--aa: unknown policy '{}'{}; expected one of {}", name, did_you_mean(name, names),
         fmt::join(names, ", "));
  }
  AutoAugment out;
  out.name_ = text;
  if (name == "rand") out.family_ = Family::rand;
  if (name == "cifar10") {
    out.family_ = Family::cifar10;
    out.table_ = cifar10_policy();
  }
  if (name == "ta_wide" || name == "trivial") out.family_ = Family::trivial;
  if (name.starts_with("v0") || name.starts_with("original")) {
    out.family_ = Family::timm_table;
    out.table_ = name.starts_with("v0") ? imagenet_policy_v0() : imagenet_policy();
    if (name == "original") out.posterize_ = Posterize::from_4_up;
    if (name.ends_with("r")) out.posterize_ = Posterize::from_4_down;
  }
  for (std::size_t i = 1; i < sections.size(); ++i) out.read_section(text, sections[i]);
  if (out.increasing_) out.posterize_ = Posterize::from_4_down;
  return out;
}

void AutoAugment::read_section(const std::string& text, const std::string& section) {
  const std::size_t digits = std::min(section.find_first_of("0123456789"), section.size());
  const std::string key = section.substr(0, digits);
  double value = NAN;
  const auto [end, error] = std::from_chars(section.data() + digits, section.data() + section.size(), value);
  if (error != std::errc() || end != section.data() + section.size() || !std::isfinite(value)) {
    refuse(text, fmt::format("section '{}' is no name with a number", section));
  }
  const bool whole = value == std::floor(value) && value <= 1000;
  const bool is_rand = family_ == Family::rand;
  if (key == "mstd" && (is_rand || family_ == Family::timm_table)) {
    magnitude_std_ = value;
  } else if (key == "m" && is_rand) {
    magnitude_ = value;
  } else if (key == "mmax" && is_rand && value > 0) {
    magnitude_max_ = value;
  } else if (key == "p" && is_rand && value <= 1) {
    chance_ = value;
  } else if (key == "n" && is_rand && whole && value >= 1) {
    steps_ = static_cast<int>(value);
  } else if (key == "inc" && is_rand && (value == 0 || value == 1)) {
    increasing_ = value == 1;
  } else {
    refuse(text, fmt::format("section '{}' is not known here, or out of range", section));
  }
}

AugmentStep AutoAugment::timm_step(Kind kind, double level, const Canvas& canvas, Rng& rng) const {
  const double part = level / kLevels;
  const auto whole = [part](double most) { return std::trunc(part * most); };
  const auto warp = [&](double value) {
    const double turned = with_sign(value, rng);
    return AugmentStep{kind, turned, {sampling_of(canvas.interpolation, rng), canvas.mean}};
  };
  switch (kind) {
    case Kind::rotate:
      return warp(30 * part);
    case Kind::shear_x:
    case Kind::shear_y:
      return warp(0.3 * part);
    case Kind::translate_x:
      return warp(0.45 * part * canvas.width);
    case Kind::translate_y:
      return warp(0.45 * part * canvas.height);
    case Kind::brightness:
    case Kind::color:
    case Kind::contrast:
    case Kind::sharpness:
      if (increasing_) return {kind, std::max(0.1, 1 + with_sign(0.9 * part, rng))};
      return {kind, 0.1 + 1.8 * part};
    case Kind::posterize:
      if (posterize_ == Posterize::from_4_down) return {kind, std::max(0.0, 4 - whole(4))};
      return {kind, std::min(8.0, whole(4) + (posterize_ == Posterize::from_4_up ? 4 : 0))};
    case Kind::solarize:
      return {kind, std::clamp(increasing_ ? 256 - whole(256) : whole(256), 0.0, 256.0)};
    case Kind::solarize_add:
      return {kind, std::min(128.0, whole(110))};
    default:
      return {kind};
  }
}

AugmentStep AutoAugment::timm_step_with_noise(Kind kind, double level, const Canvas& canvas, Rng& rng) const {
  constexpr double kUniform = 100;
  if (magnitude_std_ > kUniform) {
    level = rng.uniform(0, level);
  } else if (magnitude_std_ > 0) {
    level += magnitude_std_ * rng.normal();
  }
  return timm_step(kind, std::clamp(level, 0.0, magnitude_max_), canvas, rng);
}

AugmentStep AutoAugment::cifar10_step(Kind kind, int level, const Canvas& canvas, Rng& rng) {
  constexpr Rgb kGrey = {128, 128, 128};
  constexpr double kFarthest = 150.0 / 331;  // the paper's 150 pixels of 331
  const double part = level / 9.0;
  switch (kind) {
    case Kind::rotate:
      return {kind, with_sign(30 * part, rng), {Sampling::nearest, kGrey}};
    case Kind::shear_x:
    case Kind::shear_y:
      return {kind, with_sign(0.3 * part, rng), {Sampling::bicubic, kGrey}};
    case Kind::translate_x:
      return {kind, with_sign(kFarthest * part * canvas.width, rng), {Sampling::nearest, kGrey}};
    case Kind::translate_y:
      return {kind, with_sign(kFarthest * part * canvas.height, rng), {Sampling::nearest, kGrey}};
    case Kind::brightness:
    case Kind::color:
    case Kind::contrast:
    case Kind::sharpness:
      return {kind, 1 + with_sign(0.9 * part, rng)};
    case Kind::posterize:
      return {kind, std::nearbyint(8 - 4 * part)};
    case Kind::solarize:
      return {kind, 256 * (1 - part)};
    default:
      return {kind};
  }
}

AugmentStep AutoAugment::trivial_step(Rng& rng) {
  const Kind kind = kTrivialKinds[rng.below(std::size(kTrivialKinds))];
  const double part = rng.below(31) / 30.0;
  switch (kind) {
    case Kind::rotate:
      return {kind, with_sign(135 * part, rng)};
    case Kind::shear_x:
    case Kind::shear_y:
      return {kind, with_sign(0.99 * part, rng)};
    case Kind::translate_x:
    case Kind::translate_y:
      return {kind, with_sign(std::trunc(32 * part), rng)};
    case Kind::brightness:
    case Kind::color:
    case Kind::contrast:
    case Kind::sharpness:
      return {kind, 1 + with_sign(0.99 * part, rng)};
    case Kind::posterize:
      return {kind, 8 - std::nearbyint(6 * part)};
    case Kind::solarize:
      return {kind, 255 * (1 - part)};
    default:
      return {kind};
  }
}

std::vector<AugmentStep> AutoAugment::draw(int height, int width, std::optional<Interpolation> interpolation,
                                           Rgb mean, Rng& rng) const {
  const Canvas canvas{height, width, interpolation, mean};
  std::vector<AugmentStep> steps;
  if (family_ == Family::trivial) steps.push_back(trivial_step(rng));
  if (family_ == Family::rand) {
    for (int i = 0; i < steps_; ++i) {
      const Kind kind = kRandKinds[rng.below(std::size(kRandKinds))];
      if (rng.chance(chance_)) steps.push_back(timm_step_with_noise(kind, magnitude_, canvas, rng));
    }
  }
  if (!table_.empty()) {
    for (const PolicyEntry& entry : table_[rng.below(static_cast<std::uint32_t>(table_.size()))]) {
      if (!rng.chance(entry.chance)) continue;
      steps.push_back(family_ == Family::cifar10
                          ? cifar10_step(entry.kind, entry.level, canvas, rng)
                          : timm_step_with_noise(entry.kind, entry.level, canvas, rng));
    }
  }
  return steps;
}

Image augment(Image image, const std::vector<AugmentStep>& steps) {
  for (const AugmentStep& s : steps) image = augment(std::move(image), s.kind, s.value, s.warp);
  return image;
}

}  // namespace salu
