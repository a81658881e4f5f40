// SPDX-License-Identifier: MIT
/// The training transform: the effect of each option, alone and together with others.
#include "data/transform.h"

#include <set>

#include "tests/catch.h"

namespace salu::test {
namespace {

Image image(int height, int width) {
  Image image(height, width);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(30 + i * i % 190);
  }
  return image;
}

RandomKey key(std::uint32_t index) { return {5, Purpose::augment, 2, index}; }

// The image as it is: every test switches on one thing.
TransformOptions nothing(int size) {
  TransformOptions options;
  options.img_size = size;
  options.crop_mode = CropMode::padded;
  options.crop_padding = 0;
  options.hflip = 0;
  return options;
}

TEST_CASE("with everything off, the image stays") {
  const Image p = image(20, 20);
  for (std::uint32_t i = 0; i < 20; ++i) CHECK(train_transform(p, nothing(20), key(i)) == p);
}

TEST_CASE("flips come with their chances, each on its own") {
  const Image p = image(9, 9);
  TransformOptions options = nothing(9);
  options.hflip = 0.25;
  options.vflip = 0.5;
  int mirror = 0, head = 0, both = 0, none = 0;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const Image out = train_transform(p, options, key(i));
    mirror += out == mirrored(p);
    head += out == flipped(p);
    both += out == flipped(mirrored(p));
    none += out == p;
  }
  CHECK(mirror + head + both + none == 4000);
  CHECK(std::abs(mirror - 500) < 130);  // six standard deviations
  CHECK(std::abs(both - 500) < 130);
  CHECK(std::abs(head - 1500) < 190);
}

TEST_CASE("the crop mode wins over the size; random interpolation takes both kinds") {
  const Image p = image(40, 40);
  TransformOptions options = nothing(20);
  options.crop_mode = CropMode::resized;
  options.scale = {1, 1};  // the whole image, always
  options.ratio = {1, 1};
  const Image linear = resize(p, 20, 20, Interpolation::bilinear),
              cubic = resize(p, 20, 20, Interpolation::bicubic);
  REQUIRE(linear != cubic);
  int linears = 0, cubics = 0;
  for (std::uint32_t i = 0; i < 400; ++i) {
    const Image out = train_transform(p, options, key(i));
    linears += out == linear;
    cubics += out == cubic;
  }
  CHECK(linears + cubics == 400);
  CHECK(std::abs(linears - 200) < 60);
  options.train_interpolation = Interpolation::bilinear;
  for (std::uint32_t i = 0; i < 50; ++i) CHECK(train_transform(p, options, key(i)) == linear);

  TransformOptions padded = nothing(80);
  CHECK(train_transform(image(80, 80), padded, key(0)) == image(80, 80));  // would be zoomed by its size
  padded.crop_mode = std::nullopt;
  CHECK(train_transform(image(80, 80), padded, key(0)) != image(80, 80));
}

TEST_CASE("scale and ratio bound the part") {
  // An image whose pixels hold their place: the part's corners can be read off the result of no scaling.
  Image p(64, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      p.at(y, x)[0] = static_cast<std::uint8_t>(4 * y);
      p.at(y, x)[1] = static_cast<std::uint8_t>(4 * x);
    }
  }
  TransformOptions options = nothing(64);
  options.crop_mode = CropMode::resized;
  options.scale = {0.25, 0.25};
  options.ratio = {1, 1};  // a part of 32 x 32, doubled
  std::set<int> tops, lefts;
  for (std::uint32_t i = 0; i < 1500; ++i) {
    const Image out = train_transform(p, options, key(i));
    CHECK(std::abs(out.at(48, 0)[0] - out.at(16, 0)[0] - 64) <= 2);  // 32 lines of half a step of 4
    CHECK(std::abs(out.at(0, 48)[1] - out.at(0, 16)[1] - 64) <= 2);
    tops.insert(out.at(0, 0)[0] / 4);
    lefts.insert(out.at(0, 0)[1] / 4);
  }
  CHECK(tops.size() == 33);  // 0 .. 32, none is missed in 1,500 draws by chance
  CHECK(lefts.size() == 33);
  options.ratio = {4, 4};  // 16 lines of 64 columns
  for (std::uint32_t i = 0; i < 50; ++i) {
    const Image out = train_transform(p, options, key(i));
    CHECK(std::abs(out.at(48, 0)[0] - out.at(16, 0)[0] - 32) <= 2);
    CHECK(std::abs(out.at(0, 48)[1] - out.at(0, 16)[1] - 128) <= 2);
  }
}

TEST_CASE("colour jitter stays within its share, and steps aside for a policy") {
  Image grey(16, 16);
  for (auto& v : grey.pixels) v = 100;  // contrast and colour leave it alone
  TransformOptions options = nothing(16);
  options.color_jitter = 0.4;
  int lowest = 255, highest = 0;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    const Image out = train_transform(grey, options, key(i));
    lowest = std::min<int>(lowest, out.pixels[0]);
    highest = std::max<int>(highest, out.pixels[0]);
  }
  CHECK(lowest == 60);
  CHECK(highest == 139);  // 140 only at the very end of the range
  options.policy = AutoAugment::parse("rand-p0");
  for (std::uint32_t i = 0; i < 50; ++i) CHECK(train_transform(grey, options, key(i)) == grey);
}

TEST_CASE("everything together is a pure function of the key, and of the right size") {
  TransformOptions options;
  options.color_jitter = 0.4;
  options.cutout = 8;
  options.erase = {0.5, EraseMode::pixel, 3};
  options.vflip = 0.5;
  for (const char* policy :
       {"none", "rand-m9-mstd0.5-inc1", "cifar10", "ta_wide", "original-mstd0.5", "v0r"}) {
    for (const int size : {1, 32, 70}) {
      options.img_size = size;
      options.policy = AutoAugment::parse(policy);
      std::set<std::vector<std::uint8_t>> seen;
      for (std::uint32_t i = 0; i < 30; ++i) {
        const Image p = image(1 + static_cast<int>(i) * 3, 90);
        const Image out = train_transform(p, options, key(i));
        CHECK(out.height == size);
        CHECK(out.width == size);
        CHECK(out == train_transform(p, options, key(i)));
        seen.insert(out.pixels);
      }
      if (size > 1) CHECK(seen.size() > 28);
    }
  }
}

TEST_CASE("the line for the log names what is done") {
  TransformOptions options;
  CHECK(describe_training(options) == "padded by 4, cropped to 32, mirrored 0.5");
  options.policy = AutoAugment::parse("rand-m9");
  options.color_jitter = 0.4;
  options.erase.chance = 0.25;
  options.cutout = 16;
  options.img_size = 224;
  options.vflip = 0.5;
  CHECK(
      describe_training(options) ==
      "part of 0.08..1 of the area, ratio 0.75..1.33333, resized to 224 (random), mirrored 0.5, upside down "
      "0.5, policy rand-m9, no colour jitter beside a policy, cutout 16, erasing 0.25, up to 1");
  options.augment = false;
  CHECK(describe_training(options) == "short side 224, centre (bilinear)");
}

/// Returns copies of the requested parts, so that a memory checker finds a read beyond them.
class Guarded : public ImageSource {
 public:
  explicit Guarded(const Image& image) : image_(image) {}
  ImageSize size() const override { return image_.size(); }
  ImageView part(const Region& r) override {
    part_ = crop(image_, r.top, r.left, r.height, r.width);
    pixels += r.height * r.width;
    return part_;
  }
  int pixels = 0;

 private:
  const Image& image_;
  Image part_;
};

TEST_CASE("a random part is all that is asked for, and the rest of the draws is as ever") {
  const Image p = image(120, 90);
  TransformOptions options;
  options.img_size = 70;
  options.policy = AutoAugment::parse("rand-m9");
  options.erase.chance = 0.5;
  int pixels = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    Guarded guarded(p);
    CHECK(train_transform(guarded, options, key(i)) == train_transform(p, options, key(i)));
    CHECK(guarded.pixels <= 120 * 90);
    pixels += guarded.pixels;
  }
  CHECK(pixels < 100 * 120 * 90 * 7 / 10);  // 8 % to 100 % of the area: 54 % on average
  Guarded guarded(p);
  options.crop_pct = 0.5;
  CHECK(eval_transform(guarded, options) == eval_transform(p, options));
  CHECK(guarded.pixels < 120 * 90 / 2);
}

}  // namespace
}  // namespace salu::test
