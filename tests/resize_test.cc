// SPDX-License-Identifier: MIT
/// Scaling against Pillow and torchvision. The expected values come from Pillow 9.4 and torchvision 0.14:
///
///   np.asarray(Image.fromarray(image(5, 7)).resize((width, height), Image.BICUBIC)).flatten()
///   crop = T.Compose([T.Resize(floor(size / pct), interpolation), T.CenterCrop(size)])
///   crop(Image.fromarray(image(h, w)))
///
/// with image() of tests/hashed_images.h. Longer results are compared by the hash there.
#include "data/resize.h"

#include <set>
#include <string>

#include "data/transform.h"
#include "tests/catch.h"
#include "tests/hashed_images.h"

namespace salu::test {
namespace {

constexpr auto kBilinear = Interpolation::bilinear, kBicubic = Interpolation::bicubic;

TEST_CASE("resize gives Pillow's pixels") {
  using Pixels = std::vector<std::uint8_t>;
  CHECK(resize(image(5, 7), 2, 3, kBilinear).pixels ==
        Pixels{105, 133, 143, 125, 129, 144, 133, 134, 127, 124, 135, 130, 139, 140, 134, 151, 132, 125});
  CHECK(resize(image(5, 7), 2, 3, kBicubic).pixels ==
        Pixels{102, 130, 141, 122, 132, 148, 136, 133, 127, 126, 137, 126, 140, 138, 136, 154, 132, 124});
}

TEST_CASE("resize gives Pillow's pixels at awkward sizes") {
  struct Row {
    int from_height, from_width, height, width;
    Interpolation interpolation;
    std::uint64_t hash;
  };
  const Row rows[] = {
      {61, 97, 24, 32, kBilinear, 0x2d0b38b7dc34d6d0u},
      {61, 97, 61, 40, kBilinear, 0x2fdffe58383c648fu},
      {61, 97, 20, 97, kBilinear, 0x6f91cba298791f93u},
      {9, 5, 33, 31, kBilinear, 0x87c7b6c6bb356a92u},
      {1, 50, 7, 3, kBilinear, 0x4a925861daecac7du},
      {300, 200, 224, 224, kBilinear, 0xbe41d7cefee2eb13u},
      {50, 1, 1, 1, kBilinear, 0xaddf381975b11237u},
      {61, 97, 24, 32, kBicubic, 0xe542afa3d8345230u},
      {61, 97, 61, 40, kBicubic, 0xfa1e166d2942336fu},
      {61, 97, 20, 97, kBicubic, 0xa79329fe037682efu},
      {9, 5, 33, 31, kBicubic, 0x5a83bca553ff0855u},
      {1, 50, 7, 3, kBicubic, 0xb631ee8c4608e861u},
      {300, 200, 224, 224, kBicubic, 0x5945eb42d0b6fa40u},
      {50, 1, 1, 1, kBicubic, 0xaddf381975b11237u},
  };
  for (const Row& r : rows) {
    INFO(r.from_height << " x " << r.from_width << " to " << r.height << " x " << r.width);
    const Image out = resize(image(r.from_height, r.from_width), r.height, r.width, r.interpolation);
    CHECK(out.height == r.height);
    CHECK(out.width == r.width);
    CHECK(fnv(out) == r.hash);
  }
}

TEST_CASE("the evaluation transform gives torchvision's pixels") {
  struct Row {
    int height, width, size;
    double crop_pct;
    Interpolation interpolation;
    std::uint64_t hash;
  };
  const Row rows[] = {
      {61, 97, 48, 0.875, kBilinear, 0x1afd5ecb1966f65au},
      {97, 61, 48, 0.9, kBilinear, 0xd252a546d94b331bu},
      {120, 120, 101, 0.965, kBilinear, 0xe2b6b8615d15c994u},
      {31, 40, 31, 1, kBilinear, 0x6cbb79b009030da5u},
      {61, 97, 48, 0.875, kBicubic, 0xe1e2565f50a85b80u},
      {97, 61, 48, 0.9, kBicubic, 0x75f3242db1af18e3u},
      {120, 120, 101, 0.965, kBicubic, 0xf0ddf8c1087c53f8u},
      {31, 40, 31, 1, kBicubic, 0x6cbb79b009030da5u},
  };
  for (const Row& r : rows) {
    INFO(r.height << " x " << r.width << " to " << r.size);
    TransformOptions options;
    options.img_size = r.size;
    options.crop_pct = r.crop_pct;
    options.interpolation = r.interpolation;
    CHECK(fnv(eval_transform(image(r.height, r.width), options)) == r.hash);
  }
}

/// Remembers what was asked for.
class Watched : public ViewedImage {
 public:
  using ViewedImage::ViewedImage;
  ImageView part(const Region& region) override {
    asked = region;
    return ViewedImage::part(region);
  }
  Region asked;
};

TEST_CASE("a part of a resized image is that part, and no other pixels are asked for") {
  const Image p = image(61, 97);
  struct Row {
    ImageSize size;
    Region part, asked;
  };
  // 61 x 97 to half: a bilinear tap reaches a source pixel or two to each side of twice its place.
  const Row rows[] = {{{30, 48}, {0, 0, 30, 48}, {0, 0, 61, 97}},
                      {{30, 48}, {10, 20, 5, 7}, {19, 39, 13, 17}},
                      {{61, 97}, {10, 20, 5, 7}, {10, 20, 5, 7}},
                      {{61, 40}, {50, 1, 11, 39}, {50, 1, 11, 96}},
                      {{122, 97}, {3, 96, 1, 1}, {1, 96, 2, 1}}};
  for (const Row& r : rows) {
    for (const Interpolation interpolation : {kBilinear, kBicubic}) {
      Watched watched{ImageView(p)};
      const Image whole = resize(p, r.size.height, r.size.width, interpolation);
      const Region& part = r.part;
      CHECK(resize_part(watched, r.size, part, interpolation) ==
            crop(whole, part.top, part.left, part.height, part.width));
      if (interpolation == kBilinear) CHECK(watched.asked == r.asked);
    }
  }
}

TEST_CASE("resize keeps its promises at the edges") {
  const Image p = image(6, 4);
  CHECK(resize(p, 6, 4, kBicubic) == p);
  Image white(7, 5);
  for (auto& v : white.pixels) v = 255;
  for (const std::uint8_t v : resize(white, 3, 11, kBicubic).pixels) CHECK(v == 255);
  CHECK(contains(error_of([&] { resize(p, 0, 4, kBicubic); }), "1: [resize] expected sizes above zero"));
  CHECK(contains(error_of([&] { resize(Image{}, 2, 2, kBicubic); }), "[resize] expected sizes above zero"));
}

TEST_CASE("crop fills with black outside, and mirrored twice is the same") {
  const Image p = image(3, 5);
  const Image moved = crop(p, -1, 2, 3, 5);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) {
        const bool inside = y - 1 >= 0 && x + 2 < 5;
        CHECK(moved.at(y, x)[c] == (inside ? p.at(y - 1, x + 2)[c] : 0));
      }
    }
  }
  CHECK(crop(p, 9, 9, 2, 2) == Image(2, 2));
  CHECK(mirrored(mirrored(p)) == p);
  CHECK(mirrored(p).at(1, 0)[2] == p.at(1, 4)[2]);
  CHECK(flipped(flipped(p)) == p);
  for (int x = 0; x < 5; ++x) CHECK(flipped(p).at(0, x)[1] == p.at(2, x)[1]);
}

std::string bytes(const Image& image) { return {image.pixels.begin(), image.pixels.end()}; }

RandomKey key(std::uint32_t epoch, std::uint32_t index) { return {7, Purpose::augment, epoch, index}; }

TEST_CASE("small images are shifted by up to the padding, and mirrored half of the time") {
  TransformOptions options;
  options.img_size = 9;
  options.crop_padding = 2;
  const Image p = image(9, 9);
  std::set<std::string> allowed, seen;
  for (int top = -2; top <= 2; ++top) {
    for (int left = -2; left <= 2; ++left) {
      const Image part = crop(p, top, left, 9, 9);
      allowed.insert(bytes(part));
      allowed.insert(bytes(mirrored(part)));
    }
  }
  int plain = 0;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const Image out = train_transform(p, options, key(0, i));
    REQUIRE(allowed.count(bytes(out)) == 1);
    seen.insert(bytes(out));
    options.hflip = 0;
    plain += train_transform(p, options, key(0, i)) == out;
    options.hflip = 0.5;
  }
  CHECK(seen.size() == allowed.size());  // 50 outcomes, 2,000 draws: none is missed by chance
  CHECK(plain > 900);                    // mean 1,000, standard deviation 22
  CHECK(plain < 1100);
}

TEST_CASE("larger images are zoomed; the output is a pure function of the key") {
  TransformOptions options;
  options.img_size = 80;
  for (const auto& [h, w] : {std::pair{90, 130}, {130, 90}, {1, 300}, {300, 2}, {80, 80}, {1, 1}}) {
    const Image p = image(h, w);
    std::set<std::string> seen;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const Image out = train_transform(p, options, key(3, i));
      CHECK(out.height == 80);
      CHECK(out.width == 80);
      CHECK(out == train_transform(p, options, key(3, i)));
      seen.insert(bytes(out));
    }
    INFO(h << " x " << w);
    if (h > 80 && w > 80) CHECK(seen.size() == 20);
  }
}

TEST_CASE("without augmentation, training sees the centre, resized to the size itself") {
  TransformOptions options;
  options.img_size = 100;
  options.crop_pct = default_crop_pct(100);
  options.augment = false;
  const Image p = image(150, 170);
  for (const auto filter : {Interpolation::bilinear, Interpolation::bicubic}) {
    if (filter != Interpolation::bilinear) options.train_interpolation = filter;
    const Image seen = train_transform(p, options, key(0, 0));
    CHECK(seen ==
          crop(resize_short_side(p, 100, filter), 0, 6, 100, 100));  // 113 columns: round(6.5) is even
    CHECK(seen != eval_transform(p, options));
  }
  CHECK(default_crop_pct(32) == 1);
  CHECK(default_crop_pct(224) == 0.875);
}

}  // namespace
}  // namespace salu::test
