// SPDX-License-Identifier: MIT
#include "data/generated.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/rng.h"

namespace salu {
namespace {

constexpr int kSide = ShapesDataset::kSide;
constexpr float kPi = std::numbers::pi_v<float>;

struct Point {
  float x = 0, y = 0;
};
struct Color {
  float r = 0, g = 0, b = 0;  // 0 .. 255
};

float length(Point p) { return std::sqrt(p.x * p.x + p.y * p.y); }
Color mix(Color a, Color b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

// Outlines.
//
// Signed distances: negative inside. Every shape fits the unit circle. min (union) and max (intersection) are
// exact distances near the edge, where antialiasing needs them.

float box(Point p, Point center, Point half) {
  return std::max(std::fabs(p.x - center.x) - half.x, std::fabs(p.y - center.y) - half.y);
}
float disc(Point p, Point center, float radius) { return length({p.x - center.x, p.y - center.y}) - radius; }
// Distance beyond the side of a regular polygon whose normal points at `turn` (1 = full circle).
float side(Point p, float turn_cos, float turn_sin, float inradius) {
  return p.x * turn_cos + p.y * turn_sin - inradius;
}

float triangle(Point p) {
  constexpr float kHalf = 0.5f, kSin60 = 0.8660254f, kInradius = 0.5f;
  return std::max(
      {side(p, 0, 1, kInradius), side(p, kSin60, -kHalf, kInradius), side(p, -kSin60, -kHalf, kInradius)});
}

// The five lines of a pentagram: a point is inside when at most one of them separates it from the centre, so
// the distance is the second largest of the five.
float star(Point p) {
  constexpr float c1 = 0.3090170f, s1 = 0.9510565f, c2 = -0.8090170f, s2 = 0.5877853f;  // 72 and 144 degrees
  constexpr float kInradius = 0.36f;
  const float d[5] = {side(p, 1, 0, kInradius), side(p, c1, s1, kInradius), side(p, c1, -s1, kInradius),
                      side(p, c2, s2, kInradius), side(p, c2, -s2, kInradius)};
  float largest = d[0], second = -4;
  for (int i = 1; i < 5; ++i) {
    second = std::max(second, std::min(largest, d[i]));
    largest = std::max(largest, d[i]);
  }
  return second;
}

float heart(Point p) {
  constexpr float kHalf = 0.48f;
  constexpr float kDiagonal = 0.7071068f;
  p.y += 0.12f;
  const Point q = {(p.x + p.y) * kDiagonal, (p.y - p.x) * kDiagonal};  // the square stands on a corner
  const float lobes = std::min(disc(q, {0, -kHalf}, kHalf), disc(q, {-kHalf, 0}, kHalf));
  return std::min(box(q, {}, {kHalf, kHalf}), lobes);
}

using Outline = float (*)(Point);
struct Kind {
  const char* name;
  Outline outline;
};

const Kind kKinds[10] = {
    {"disc", [](Point p) { return disc(p, {}, 0.85f); }},
    {"ring", [](Point p) { return std::fabs(length(p) - 0.68f) - 0.2f; }},
    {"square",
     [](Point p) {
       return box(p, {}, {0.7f, 0.7f});
     }},
    {"triangle", triangle},
    {"cross",
     [](Point p) {
       return std::min(box(p, {}, {0.9f, 0.27f}), box(p, {}, {0.27f, 0.9f}));
     }},
    {"star", star},
    {"bars",
     [](Point p) {
       return box({std::fabs(p.x), p.y}, {0.48f, 0}, {0.24f, 0.75f});
     }},
    {"crescent",
     [](Point p) {
       return std::max(disc(p, {}, 0.9f), -disc(p, {0.5f, 0}, 0.72f));
     }},
    {"heart", heart},
    {"corner",
     [](Point p) {
       return std::min(box(p, {-0.45f, 0}, {0.25f, 0.75f}), box(p, {0, 0.5f}, {0.7f, 0.25f}));
     }},
};

// The scene.

// Two colours that alternate across the image: a gradient when `period` is long, stripes when it is short.
struct Texture {
  Color first, second;
  Point direction;  // unit vector / period
  float phase = 0;
  Color at(float x, float y) const {
    const float t = direction.x * x + direction.y * y + phase;
    return mix(first, second, std::fabs(2 * (t - std::floor(t)) - 1));
  }
};

float uniform(Rng& rng, float low, float high) { return low + (high - low) * rng.uniform(); }
Point direction(float angle, float scale) { return {std::cos(angle) * scale, std::sin(angle) * scale}; }

Color random_color(Rng& rng, float low, float high) {
  const float r = uniform(rng, low, high), g = uniform(rng, low, high), b = uniform(rng, low, high);
  return {r, g, b};
}

// A random colour at most `reach` away from `c` in each channel.
Color shade(Rng& rng, Color c, float reach) {
  const auto move = [&](float v) { return std::clamp(v + uniform(rng, -reach, reach), 0.f, 255.f); };
  const float r = move(c.r), g = move(c.g), b = move(c.b);
  return {r, g, b};
}

Texture random_texture(Rng& rng, Color base, float reach) {
  Texture t;
  t.first = base;
  t.second = shade(rng, base, reach);
  const float period = uniform(rng, 4, 48);
  t.direction = direction(uniform(rng, 0, 2 * kPi), 1 / period);
  t.phase = rng.uniform();
  return t;
}

// A random colour that differs from `other` by at least `contrast`, summed over the channels.
Color contrasting_color(Rng& rng, Color other, float contrast) {
  Color c;
  do {
    c = random_color(rng, 115, 255);
  } while (std::fabs(c.r - other.r) + std::fabs(c.g - other.g) + std::fabs(c.b - other.b) < contrast);
  return c;
}

using Canvas = std::array<Color, kSide * kSide>;

// Share of a pixel that lies inside an edge at signed distance `d` pixels.
float coverage(float d) { return std::clamp(0.5f - d, 0.f, 1.f); }

void paint(Canvas& canvas, int x, int y, Color color, float alpha) {
  Color& pixel = canvas[static_cast<std::size_t>(y * kSide + x)];
  pixel = mix(pixel, color, alpha);
}

// A straight stroke at a random place, with butt ends.
void draw_stroke(Canvas& canvas, Rng& rng) {
  const Color color = random_color(rng, 0, 255);
  const Point middle = {uniform(rng, 0, kSide), uniform(rng, 0, kSide)};
  const Point along = direction(uniform(rng, 0, kPi), 1);
  const float half_width = uniform(rng, 0.4f, 0.9f), half_length = uniform(rng, 4, 14);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const Point p = {static_cast<float>(x) + 0.5f - middle.x, static_cast<float>(y) + 0.5f - middle.y};
      const float d =
          box({p.x * along.x + p.y * along.y, p.y * along.x - p.x * along.y}, {}, {half_length, half_width});
      if (d < 0.5f) paint(canvas, x, y, color, coverage(d));
    }
  }
}

void draw_shape(Canvas& canvas, Rng& rng, Outline outline, const Texture& texture) {
  const float radius = uniform(rng, 8, 14);
  const float margin = radius - 1;  // the tips may leave the image by a pixel
  const Point center = {uniform(rng, margin, kSide - margin), uniform(rng, margin, kSide - margin)};
  const Point turn = direction(uniform(rng, 0, 2 * kPi), 1 / radius);
  const int reach = static_cast<int>(radius) + 2;
  const int cx = static_cast<int>(center.x), cy = static_cast<int>(center.y);
  for (int y = std::max(0, cy - reach); y < std::min(kSide, cy + reach + 1); ++y) {
    for (int x = std::max(0, cx - reach); x < std::min(kSide, cx + reach + 1); ++x) {
      const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
      const Point p = {px - center.x, py - center.y};
      const float d = outline({p.x * turn.x + p.y * turn.y, p.y * turn.x - p.x * turn.y}) * radius;
      if (d < 0.5f) paint(canvas, x, y, texture.at(px, py), coverage(d));
    }
  }
}

// Adds one random byte per value, scaled to -amplitude .. amplitude.
Image with_noise(const Canvas& canvas, Rng& rng, float amplitude) {
  Image image(kSide, kSide);
  std::uint8_t* out = image.pixels.data();
  for (const Color& c : canvas) {
    const std::uint32_t bits = rng.next();
    const float channels[3] = {c.r, c.g, c.b};
    for (int i = 0; i < 3; ++i) {
      const float unit = static_cast<float>((bits >> (8 * i)) & 255u) / 127.5f - 1;
      *out++ = static_cast<std::uint8_t>(std::clamp(channels[i] + amplitude * unit, 0.f, 255.f) + 0.5f);
    }
  }
  return image;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

std::vector<std::string> numbered(int classes) {
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

/// Repeat 0 keys the pixels, repeat 1 the label.
RandomKey key_of(std::uint64_t seed, std::int64_t index, std::uint32_t repeat) {
  return {seed, Purpose::synthetic, 0, static_cast<std::uint32_t>(index), repeat};
}

}  // namespace

ShapesDataset::ShapesDataset(std::uint64_t seed, ShapesSplit split, std::int64_t size)
    : Dataset("shapes", kind_names()), seed_(seed), split_(split), size_(size) {
  fingerprint_ = Fingerprint{}
                     .add("shapes")
                     .add(seed)
                     .add(static_cast<std::uint64_t>(split))
                     .add(static_cast<std::uint64_t>(size))
                     .value();
}

std::unique_ptr<ImageSource> ShapesDataset::open(std::int64_t index) const {
  check(index >= 0 && index < size_, "[shapes] expected an index below {}, got {}", size_, index);
  Rng rng({seed_, Purpose::shapes, static_cast<std::uint32_t>(split_), static_cast<std::uint32_t>(index)});
  const Color back = random_color(rng, 0, 140);
  const Texture background = random_texture(rng, back, 60);
  const Texture filling = random_texture(rng, contrasting_color(rng, back, 200), 60);

  Canvas canvas;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      canvas[static_cast<std::size_t>(y * kSide + x)] =
          background.at(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
    }
  }
  const std::uint32_t strokes = rng.below(4);
  for (std::uint32_t i = 0; i < strokes; ++i) draw_stroke(canvas, rng);
  draw_shape(canvas, rng, kKinds[label(index)].outline, filling);
  return decoded_image(with_noise(canvas, rng, uniform(rng, 5, 25)));
}

SyntheticDataset::SyntheticDataset(std::uint64_t seed, const SyntheticOptions& options, std::int64_t size)
    : Dataset("synthetic", numbered(options.classes)), seed_(seed), options_(options), size_(size) {
  fingerprint_ = Fingerprint()
                     .add("synthetic")
                     .add(seed)
                     .add(static_cast<std::uint64_t>(options.side))
                     .add(static_cast<std::uint64_t>(options.classes))
                     .add(static_cast<std::uint64_t>(size))
                     .value();
}

std::unique_ptr<ImageSource> SyntheticDataset::open(std::int64_t index) const {
  Image image(options_.side, options_.side);
  const RandomKey key = key_of(seed_, index, 0);
  std::uint32_t position = 0;
  for (std::size_t at = 0; at < image.pixels.size(); at += sizeof(PhiloxBlock)) {
    const PhiloxBlock block = key.block(position++);
    std::memcpy(image.pixels.data() + at, block.data(), std::min(sizeof(block), image.pixels.size() - at));
  }
  return decoded_image(std::move(image));
}

int SyntheticDataset::label(std::int64_t index) const {
  return static_cast<int>(Rng(key_of(seed_, index, 1)).below(static_cast<std::uint32_t>(options_.classes)));
}

DataSplits open_shapes(const DataOptions& options) {
  DataSplits splits;
  // Samples are generated, so the counts may exceed the standard ones.
  const std::int64_t train_size = options.train_num_samples > 0
                                      ? options.train_num_samples + options.val_from_train
                                      : ShapesDataset::kTrainSize;
  const std::int64_t val_size =
      options.val_num_samples > 0 ? options.val_num_samples : ShapesDataset::kValSize;
  splits.train = std::make_shared<ShapesDataset>(options.seed, ShapesSplit::train, train_size);
  splits.eval = std::make_shared<ShapesDataset>(options.seed, ShapesSplit::val, val_size);
  splits.eval_name = "val";
  splits.img_size = ShapesDataset::kSide;
  splits.mean = {0.37f, 0.37f, 0.37f};
  splits.std = {0.24f, 0.24f, 0.24f};
  return splits;
}

DataSplits open_synthetic(const DataOptions& options) {
  const auto count = [](std::int64_t asked, std::int64_t standard) { return asked > 0 ? asked : standard; };
  const std::int64_t train_size =
      count(options.train_num_samples, SyntheticDataset::kTrainSize - options.val_from_train) +
      options.val_from_train;
  DataSplits splits;
  splits.train = std::make_shared<SyntheticDataset>(options.seed, options.synthetic, train_size);
  splits.eval = std::make_shared<SyntheticDataset>(
      options.seed + 1, options.synthetic, count(options.val_num_samples, SyntheticDataset::kEvalSize));
  splits.eval_name = "val";
  splits.img_size = options.synthetic.side;
  splits.mean = {0.5f, 0.5f, 0.5f};
  splits.std = {0.289f, 0.289f, 0.289f};  // the deviation of uniform bytes: 1 / sqrt(12)
  return splits;
}

}  // namespace salu
