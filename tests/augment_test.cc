// SPDX-License-Identifier: MIT
/// The steps of augmentation against Pillow, the policies against timm and torchvision, erasing against its
/// definition.
#include <cmath>
#include <map>
#include <set>

#include "data/auto_augment.h"
#include "data/codecs.h"
#include "data/decode.h"
#include "data/image.h"
#include "data/transform.h"
#include "tests/augment_samples.h"
#include "tests/catch.h"
#include "tests/policy_samples.h"

namespace salu::test {
namespace {

Image make(Texture kind, int height, int width) {
  Image image(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = kind == Texture::noisy ? (x * 37 + y * 91 + c * 53 + x * y * 7) % 256
                          : kind == Texture::dim ? 40 + (x * 3 + y * 2 + c * 5 + x * y % 7) % 120
                                                 : 77 + c * 20;
        image.at(y, x)[c] = static_cast<std::uint8_t>(value);
      }
    }
  }
  return image;
}

std::uint64_t fnv(const Image& image) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t b : image.pixels) hash = (hash ^ b) * 0x100000001b3u;
  return hash;
}

RandomKey key(std::uint32_t index) { return {7, Purpose::augment, 0, index}; }

TEST_CASE("every step gives Pillow's pixels") {
  for (const AugmentSample& s : kAugmentSamples) {
    INFO("kind " << static_cast<int>(s.kind) << " value " << s.value << " sampling "
                 << static_cast<int>(s.warp.sampling) << " on texture " << static_cast<int>(s.texture) << ", "
                 << s.height << " x " << s.width);
    CHECK(fnv(augment(make(s.texture, s.height, s.width), s.kind, s.value, s.warp)) == s.hash);
  }
}

TEST_CASE("by hand: a shift to the left leaves the fill on the right") {
  const Image p = make(Texture::noisy, 3, 5);
  const Rgb fill = {9, 8, 7};
  const Image out = augment(p, AugmentKind::translate_x, 2, {Sampling::nearest, fill});
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (std::size_t c = 0; c < 3; ++c) CHECK(out.at(y, x)[c] == (x < 3 ? p.at(y, x + 2)[c] : fill[c]));
    }
  }
}

std::vector<AugmentStep> drawn(const AutoAugment& policy, std::uint32_t i) {
  Rng rng(key(i));
  return policy.draw(kPolicyHeight, kPolicyWidth, Interpolation::bicubic, {1, 2, 3}, rng);
}

// kind -> how often each value came, rounded to 9 decimals.
using Values = std::map<AugmentKind, std::map<double, int>>;

double rounded(double v) { return std::round(v * 1e9) / 1e9 + 0.0; }

Values values_of(const AutoAugment& policy, std::uint32_t draws) {
  Values out;
  for (std::uint32_t i = 0; i < draws; ++i) {
    for (const AugmentStep& step : drawn(policy, i)) ++out[step.kind][rounded(step.value)];
  }
  return out;
}

TEST_CASE("the policies take timm's and torchvision's steps, values and chances") {
  std::map<std::string, std::vector<PolicySample>> by_policy;
  for (const PolicySample& s : kPolicySamples) by_policy[s.policy].push_back(s);
  CHECK(by_policy.size() == 9);
  constexpr int kDraws = 100000;
  for (const auto& [name, samples] : by_policy) {
    // n steps at each place, each with its chance; both values are equally likely.
    std::map<std::pair<AugmentKind, double>, double> expected;
    const double each = name.starts_with("rand") ? 2.0 / static_cast<double>(samples.size()) : 1.0 / 25;
    for (const PolicySample& s : samples) {
      expected[{s.kind, rounded(s.low)}] += kDraws * each * s.chance / 2;
      expected[{s.kind, rounded(s.high)}] += kDraws * each * s.chance / 2;
    }
    int found = 0;
    for (const auto& [kind, values] : values_of(AutoAugment::parse(name), kDraws)) {
      for (const auto& [value, count] : values) {
        INFO(name << " kind " << static_cast<int>(kind) << " value " << value << " came " << count);
        REQUIRE(expected.count({kind, value}) == 1);
        const double mean = expected[{kind, value}];
        CHECK(std::abs(count - mean) < 6 * std::sqrt(mean));
        ++found;
      }
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second == 0; });
    CHECK(found == static_cast<int>(expected.size()));
  }
}

TEST_CASE("the pairs of the searched policies stand together, in order") {
  const std::map<std::string, std::span<const SubPolicy>> tables = {
      {"cifar10", cifar10_policy()}, {"original", imagenet_policy()}, {"v0", imagenet_policy_v0()}};
  for (const auto& [name, table] : tables) {
    std::vector<PolicySample> samples;
    for (const PolicySample& s : kPolicySamples) {
      if (s.policy == name) samples.push_back(s);
    }
    REQUIRE(samples.size() == 2 * table.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      INFO(name << " entry " << i);
      CHECK(table[i / 2][i % 2].kind == samples[i].kind);
      CHECK(table[i / 2][i % 2].chance == samples[i].chance);
    }
  }
}

TEST_CASE("TrivialAugmentWide draws one of 14 steps and one of 31 strengths") {
  std::map<AugmentKind, std::set<double>> expected;
  for (int k = 0; k <= 30; ++k) {
    for (const int sign : {-1, 1}) {
      using enum AugmentKind;
      for (const AugmentKind kind : {identity, auto_contrast, equalize}) expected[kind].insert(0);
      for (const AugmentKind kind : {shear_x, shear_y}) expected[kind].insert(rounded(sign * 0.033 * k));
      for (const AugmentKind kind : {translate_x, translate_y}) expected[kind].insert(sign * (32 * k / 30));
      expected[rotate].insert(sign * 4.5 * k);
      for (const AugmentKind kind : {brightness, color, contrast, sharpness}) {
        expected[kind].insert(rounded(1 + sign * 0.033 * k));
      }
      expected[posterize].insert(8 - (2 * k + 5) / 10);
      expected[solarize].insert(255 - 8.5 * k);
    }
  }
  std::map<AugmentKind, std::set<double>> found;
  constexpr int kDraws = 60000;
  for (const auto& [kind, values] : values_of(AutoAugment::parse("ta_wide"), kDraws)) {
    int count = 0;
    for (const auto& [value, times] : values) {
      found[kind].insert(value);
      count += times;
    }
    CHECK(std::abs(count - kDraws / 14.0) < 6 * std::sqrt(kDraws / 14.0));
  }
  CHECK(found == expected);
}

TEST_CASE("mstd spreads the magnitude, and limits it") {
  double sum = 0, squares = 0, lowest = 1, highest = 0;
  int count = 0;
  auto values = values_of(AutoAugment::parse("rand-m5-mstd1-p1"), 40000);
  for (const auto& [value, times] : values[AugmentKind::brightness]) {
    const double level = (value - 0.1) / 0.18;
    sum += level * times;
    squares += level * level * times;
    count += times;
  }
  const double mean = sum / count;
  CHECK(std::abs(mean - 5) < 0.1);  // about 5,300 draws of deviation 1
  CHECK(std::abs(squares / count - mean * mean - 1) < 0.15);
  values = values_of(AutoAugment::parse("rand-m8-mstd101-p1"), 40000);
  for (const auto& [value, times] : values[AugmentKind::brightness]) {
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  CHECK(lowest == Approx(0.1).margin(0.01));
  CHECK(highest == Approx(0.1 + 0.18 * 8).margin(0.01));
  values = values_of(AutoAugment::parse("rand-m9-mstd5-p1"), 20000);
  for (const auto& [value, times] : values[AugmentKind::brightness]) {
    CHECK(value <= 1.9);
    CHECK(value >= 0.1);
  }
}

TEST_CASE("n and p count the steps; warps get the fill and the sampling that they should") {
  for (std::uint32_t i = 0; i < 100; ++i) {
    CHECK(drawn(AutoAugment::parse("rand-n3-p1"), i).size() == 3);
    CHECK(drawn(AutoAugment::parse("rand-n3-p0"), i).empty());
    CHECK(drawn(AutoAugment::parse("none"), i).empty());
  }
  std::set<Sampling> seen;
  const AutoAugment rand = AutoAugment::parse("rand-n1-p1");
  for (std::uint32_t i = 0; i < 200; ++i) {
    Rng rng(key(i));
    for (const AugmentStep& step : rand.draw(40, 60, std::nullopt, {1, 2, 3}, rng)) {
      if (step.kind < AugmentKind::rotate) continue;
      seen.insert(step.warp.sampling);
      CHECK(step.warp.fill == Rgb{1, 2, 3});
    }
    for (const AugmentStep& step : drawn(AutoAugment::parse("cifar10"), i)) {
      if (step.kind < AugmentKind::rotate) continue;
      CHECK(step.warp.fill == Rgb{128, 128, 128});
      const bool shear = step.kind == AugmentKind::shear_x || step.kind == AugmentKind::shear_y;
      CHECK(step.warp.sampling == (shear ? Sampling::bicubic : Sampling::nearest));
    }
  }
  CHECK(seen == std::set<Sampling>{Sampling::bilinear, Sampling::bicubic});
}

TEST_CASE("policies that are not known are refused, with the nearest name") {
  const auto refusal = [](const char* text) { return error_of([&] { AutoAugment::parse(text); }); };
  CHECK(contains(refusal("rnd-m9"), "2: --aa: unknown policy 'rnd' (did you mean rand?); expected one of"));
  CHECK(contains(refusal("ta-wide"), "2: --aa: unknown policy 'ta'"));
  CHECK(contains(refusal(""), "2: --aa: unknown policy ''"));
  for (const char* text : {"rand-", "rand-m", "rand-m9x", "rand-q3", "rand-n0", "rand-n2.5", "rand-p2",
                           "rand-m-1", "rand-inc2", "rand-mmax0", "rand-mstdnan", "rand-mstd1e999",
                           "original-m9", "cifar10-mstd1", "ta_wide-m9", "none-m9", "rand-9"}) {
    INFO(text);
    CHECK(contains(refusal(text), "2: --aa: section "));
  }
}

TEST_CASE("random erasing: one rectangle of 2 to 33 %, of the colours asked for") {
  constexpr int kSide = 40;
  const PixelMoments moments{{0.2f, 0.5f, 0.8f}, {0.1f, 0.2f, 0.05f}};
  const Rgb mean = {51, 128, 204};
  CHECK(moments.mean_color() == mean);
  int erased = 0;
  double sum = 0, squares = 0;
  std::int64_t count = 0;
  for (std::uint32_t i = 0; i < 600; ++i) {
    const Image before = make(Texture::flat, kSide, kSide);  // 77, 97, 117
    for (const EraseMode mode : {EraseMode::constant, EraseMode::color, EraseMode::pixel}) {
      Image image = before;
      Rng rng(key(i));
      random_erase(image, {0.5, mode, 1}, moments, rng);
      int top = kSide, left = kSide, bottom = -1, right = -1, changed = 0;
      std::set<Rgb> colors;
      for (int y = 0; y < kSide; ++y) {
        for (int x = 0; x < kSide; ++x) {
          const Rgb color = {image.at(y, x)[0], image.at(y, x)[1], image.at(y, x)[2]};
          if (color == Rgb{77, 97, 117}) continue;
          ++changed;
          top = std::min(top, y), bottom = std::max(bottom, y);
          left = std::min(left, x), right = std::max(right, x);
          colors.insert(color);
          if (mode != EraseMode::pixel) continue;
          sum += color[1];
          squares += color[1] * color[1];
          ++count;
        }
      }
      if (changed == 0) continue;
      if (mode == EraseMode::constant) ++erased;
      const int height = bottom - top + 1, width = right - left + 1;
      CHECK(changed == height * width);
      CHECK(changed > 0.016 * kSide * kSide);  // sides are rounded
      CHECK(changed < 0.35 * kSide * kSide);
      CHECK(std::max(height, width) < kSide);
      if (mode == EraseMode::constant) CHECK(colors == std::set<Rgb>{mean});
      if (mode == EraseMode::color) CHECK(colors.size() == 1);
      if (mode == EraseMode::pixel) CHECK(static_cast<int>(colors.size()) > changed / 2);
    }
  }
  CHECK(std::abs(erased - 300) < 75);
  const double average = sum / static_cast<double>(count);
  CHECK(std::abs(average - 127.5) < 1);
  CHECK(std::abs(std::sqrt(squares / static_cast<double>(count) - average * average) - 51) < 1);
}

TEST_CASE("several rectangles share the area; small images are survived") {
  for (const auto& [h, w] : {std::pair{40, 40}, {1, 1}, {2, 9}, {3, 3}}) {
    for (std::uint32_t i = 0; i < 200; ++i) {
      Image image = make(Texture::flat, h, w);
      Rng rng(key(i));
      random_erase(image, {1, EraseMode::constant, 5}, {}, rng);
      int changed = 0;
      for (std::size_t p = 0; p < image.pixels.size(); p += 3) changed += image.pixels[p] != 77;
      CHECK(changed < 0.36 * h * w + 1);
    }
  }
}

TEST_CASE("cutout: a square around any pixel, cut at the border") {
  std::set<int> sizes;
  for (std::uint32_t i = 0; i < 400; ++i) {
    Image image = make(Texture::flat, 10, 12);
    Rng rng(key(i));
    cutout(image, 5, {0, 0, 0}, rng);
    int changed = 0;
    for (std::size_t p = 0; p < image.pixels.size(); p += 3) changed += image.pixels[p] == 0;
    sizes.insert(changed);
  }
  // 3, 4 or 5 lines times 3, 4 or 5 columns.
  CHECK(sizes == std::set<int>{9, 12, 15, 16, 20, 25});
}

TEST_CASE("a contact sheet is a PNG with every image in its place") {
  const std::vector<std::vector<Image>> rows = {{make(Texture::noisy, 20, 30), make(Texture::dim, 20, 30)},
                                                {make(Texture::flat, 20, 30), make(Texture::noisy, 20, 30)}};
  const Image sheet = decode_image(encode_png(contact_sheet(rows)), "sheet.png");
  REQUIRE(sheet.height == 2 + 2 * (20 * 2 + 2));
  REQUIRE(sheet.width == 2 + 2 * (30 * 2 + 2));
  for (int y = 0; y < sheet.height; ++y) {
    for (int x = 0; x < sheet.width; ++x) {
      const int r = (y - 2) / 42, c = (x - 2) / 62, py = (y - 2) % 42, px = (x - 2) % 62;
      const bool white = y < 2 || x < 2 || py >= 40 || px >= 60;
      for (int k = 0; k < 3; ++k) {
        const std::uint8_t expected =
            white ? 255
                  : rows[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)].at(py / 2, px / 2)[k];
        REQUIRE(sheet.at(y, x)[k] == expected);
      }
    }
  }
  CHECK(contains(error_of([] { contact_sheet({}); }), "1: [contact_sheet] expected images"));
  CHECK(contains(error_of([&] {
                   contact_sheet({rows[0], {rows[1][0]}});
                 }),
                 "expected 2 images in row 1, got 1"));
  CHECK(contains(error_of([&] { contact_sheet({{Image(2, 2), Image(2, 3)}}); }), "of 2 x 2, got 2 x 3"));
}

}  // namespace
}  // namespace salu::test
