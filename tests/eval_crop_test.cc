// SPDX-License-Identifier: MIT
/// Evaluation fits images into its square. The hashes (64-bit FNV-1a of the bytes) are Pillow 9.4's:
///
///   def crop(image, mode, side, pct, interpolation, mean):
///       scale = math.floor(side / pct)
///       w, h = image.size
///       if mode == "squash": w = h = scale
///       else:
///           ratio = max(h, w) / scale
///           h, w = round(h / ratio), round(w / ratio)
///       image = image.resize((w, h), interpolation)
///       out = Image.new("RGB", (side, side), tuple(round(255 * m) for m in mean))
///       x = (side - w) // 2 if w < side else -round((w - side) / 2)
///       y = (side - h) // 2 if h < side else -round((h - side) / 2)
///       out.paste(image, (x, y))
///       return out
///
/// with image() of tests/hashed_images.h and the mean (0.485, 0.5, 0.406).
#include <cmath>

#include "data/transform.h"
#include "tests/catch.h"
#include "tests/hashed_images.h"

namespace salu::test {
namespace {

constexpr auto kBilinear = Interpolation::bilinear, kBicubic = Interpolation::bicubic;

TransformOptions crop_options(EvalCrop mode, int side, double crop_pct, Interpolation interpolation) {
  TransformOptions options;
  options.img_size = side;
  options.crop_pct = crop_pct;
  options.eval_crop = mode;
  options.interpolation = interpolation;
  options.moments.mean = {0.485f, 0.5f, 0.406f};
  return options;
}

TEST_CASE("squash and border give Pillow's pixels") {
  struct Row {
    int height, width, side;
    double crop_pct;
    EvalCrop mode;
    Interpolation interpolation;
    std::uint64_t hash;
  };
  const Row rows[] = {
      {61, 97, 48, 0.875, EvalCrop::squash, kBilinear, 0xe83cbe4c4b1c5c5cu},
      {97, 61, 48, 0.9, EvalCrop::squash, kBilinear, 0xf76b5c4dd33e6295u},
      {120, 120, 101, 0.965, EvalCrop::squash, kBilinear, 0xe2b6b8615d15c994u},
      {31, 40, 31, 1, EvalCrop::squash, kBilinear, 0x6707c3f29246438fu},
      {40, 200, 33, 0.7, EvalCrop::squash, kBilinear, 0x5f3cff21aead4c81u},
      {211, 23, 64, 1, EvalCrop::squash, kBilinear, 0xe3ca2417c54e8f11u},
      {64, 63, 64, 1, EvalCrop::squash, kBilinear, 0xef42de83bf97c8d5u},
      {63, 65, 48, 0.84, EvalCrop::squash, kBilinear, 0xcc5f45b348bbfdc7u},
      {9, 5, 31, 0.5, EvalCrop::squash, kBilinear, 0xddf4ca21b279bf71u},
      {61, 97, 48, 0.875, EvalCrop::border, kBilinear, 0xb0484386d394d7f3u},
      {97, 61, 48, 0.9, EvalCrop::border, kBilinear, 0x63521a839d0b6cc1u},
      {120, 120, 101, 0.965, EvalCrop::border, kBilinear, 0xe2b6b8615d15c994u},
      {31, 40, 31, 1, EvalCrop::border, kBilinear, 0xeb09cdde4f81ef35u},
      {40, 200, 33, 0.7, EvalCrop::border, kBilinear, 0x3d2ead08c89604c6u},
      {211, 23, 64, 1, EvalCrop::border, kBilinear, 0x3c748a60480891d5u},
      {64, 63, 64, 1, EvalCrop::border, kBilinear, 0xdc49d025163c6625u},
      {63, 65, 48, 0.84, EvalCrop::border, kBilinear, 0xb654ad317c0f352bu},
      {9, 5, 31, 0.5, EvalCrop::border, kBilinear, 0xf3e9bba0f5034a7bu},
      {61, 97, 48, 0.875, EvalCrop::squash, kBicubic, 0x91976397245f6154u},
      {97, 61, 48, 0.9, EvalCrop::squash, kBicubic, 0xebea0a2ca0b096cfu},
      {120, 120, 101, 0.965, EvalCrop::squash, kBicubic, 0xf0ddf8c1087c53f8u},
      {31, 40, 31, 1, EvalCrop::squash, kBicubic, 0x24e4e86f5c1127acu},
      {40, 200, 33, 0.7, EvalCrop::squash, kBicubic, 0xbaf0ef82dda7d807u},
      {211, 23, 64, 1, EvalCrop::squash, kBicubic, 0x4c252ab44e89e747u},
      {64, 63, 64, 1, EvalCrop::squash, kBicubic, 0xda3bd9b4e1ae5444u},
      {63, 65, 48, 0.84, EvalCrop::squash, kBicubic, 0x298753ef6b006053u},
      {9, 5, 31, 0.5, EvalCrop::squash, kBicubic, 0x9c48a1e1aab75993u},
      {61, 97, 48, 0.875, EvalCrop::border, kBicubic, 0xc3439dace3cedba7u},
      {97, 61, 48, 0.9, EvalCrop::border, kBicubic, 0x5aa5c4acef269ba6u},
      {120, 120, 101, 0.965, EvalCrop::border, kBicubic, 0xf0ddf8c1087c53f8u},
      {31, 40, 31, 1, EvalCrop::border, kBicubic, 0xa6e7e58d514ee611u},
      {40, 200, 33, 0.7, EvalCrop::border, kBicubic, 0x7c5d5e4e37072091u},
      {211, 23, 64, 1, EvalCrop::border, kBicubic, 0x0220fe8a078db23au},
      {64, 63, 64, 1, EvalCrop::border, kBicubic, 0xdc49d025163c6625u},
      {63, 65, 48, 0.84, EvalCrop::border, kBicubic, 0x4386a376c25ded6au},
      {9, 5, 31, 0.5, EvalCrop::border, kBicubic, 0x13a16d9bd0f1cbe5u},
  };
  for (const Row& r : rows) {
    INFO(r.height << " x " << r.width << " to " << r.side << ", " << name_of(r.mode));
    const TransformOptions options = crop_options(r.mode, r.side, r.crop_pct, r.interpolation);
    CHECK(fnv(eval_transform(image(r.height, r.width), options)) == r.hash);
  }
}

/// Half to even, from whole numbers: n / 2.
int half_even(int n) { return n % 2 == 0 ? n / 2 : (n / 2) + (n / 2) % 2; }

/// The resized image, read pixel by pixel.
Image placed(const Image& whole, int side, const Rgb& fill) {
  Image out(side, side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int from_y =
          whole.height < side ? y - (side - whole.height) / 2 : y + half_even(whole.height - side);
      const int from_x =
          whole.width < side ? x - (side - whole.width) / 2 : x + half_even(whole.width - side);
      const bool inside = from_y >= 0 && from_y < whole.height && from_x >= 0 && from_x < whole.width;
      for (int c = 0; c < 3; ++c) {
        out.at(y, x)[c] = inside ? whole.at(from_y, from_x)[c] : fill[static_cast<std::size_t>(c)];
      }
    }
  }
  return out;
}

TEST_CASE("the middle of the resized image, with a border where it is too short") {
  const Rgb fill{1, 2, 3};
  for (const int height : {1, 7, 20, 33, 50}) {
    for (const int width : {1, 6, 21, 33, 300}) {
      const Image p = image(height, width);
      for (const auto& [resized, side] : {std::pair{20, 20}, {23, 20}, {31, 17}, {50, 33}}) {
        INFO(height << " x " << width << " by " << resized << " to " << side);
        const int longest = std::max(height, width);
        // Whole numbers only: n * resized / longest, rounded half to even.
        const auto length = [&](int n) {
          const int twice = 2 * n * resized, down = twice / (2 * longest), rest = twice % (2 * longest);
          return std::max(1, rest > longest || (rest == longest && down % 2 == 1) ? down + 1 : down);
        };
        ViewedImage view(p);
        CHECK(eval_crop(view, EvalCrop::squash, resized, side, kBicubic, fill) ==
              placed(resize(p, resized, resized, kBicubic), side, fill));
        CHECK(eval_crop(view, EvalCrop::border, resized, side, kBilinear, fill) ==
              placed(resize(p, length(height), length(width), kBilinear), side, fill));
      }
    }
  }
}

TEST_CASE("the long side: ties go to the even length, and no side vanishes") {
  CHECK(long_side_size({8, 4}, 5) == ImageSize{5, 2});  // 2.5
  CHECK(long_side_size({12, 8}, 21) == ImageSize{21, 14});
  CHECK(long_side_size({6, 4}, 21) == ImageSize{21, 14});
  CHECK(long_side_size({2, 4}, 7) == ImageSize{4, 7});  // 3.5
  CHECK(long_side_size({1, 1000}, 224) == ImageSize{1, 224});
  CHECK(long_side_size({401, 300}, 224) == ImageSize{224, 168});
}

TEST_CASE("the border has the mean colour, cut to what a pixel can hold") {
  TransformOptions options = crop_options(EvalCrop::border, 10, 1, kBilinear);
  options.moments.mean = {-3, 0.5f, 7};
  const Image out = eval_transform(image(10, 3), options);
  const std::uint8_t* corner = out.at(9, 9);
  CHECK(Rgb{corner[0], corner[1], corner[2]} == Rgb{0, 128, 255});
  CHECK(out.at(0, 2)[1] == 128);  // three columns of border on the left …
  CHECK(out.at(0, 3)[1] == image(10, 3).at(0, 0)[1]);
  CHECK(out.at(0, 6)[1] == 128);  // … and four on the right
}

TEST_CASE("every mode has a name, and other names none") {
  for (const EvalCrop mode : {EvalCrop::center, EvalCrop::squash, EvalCrop::border}) {
    CHECK(eval_crop_of(name_of(mode)) == mode);
  }
  CHECK(std::string(name_of(EvalCrop::squash)) == "squash");
  CHECK(!eval_crop_of("centre"));
}

}  // namespace
}  // namespace salu::test
