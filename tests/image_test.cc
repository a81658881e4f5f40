// SPDX-License-Identifier: MIT
/// Decoding: every kind gives the pixels that were written, every kind of damage is refused.
#include <cstdlib>
#include <fstream>
#include <limits>

#include "data/decode.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/jpeg_samples.h"

namespace salu::test {
namespace {

std::uint8_t pattern(int y, int x, int c) { return static_cast<std::uint8_t>(y * 71 + x * 29 + c * 101 + 3); }

Image expected(int height, int width) {
  Image image(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = pattern(y, x, c);
    }
  }
  return image;
}

Bytes pnm(int type, int max_value, int height, int width) {
  Bytes out = bytes_of(fmt::format("P{}\n# a comment\n{} {}\n{}\n", type, width, height, max_value));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < (type == 6 ? 3 : 1); ++c) {
        const int v = pattern(y, x, c) * max_value / 255;
        if (max_value > 255) out.push_back(static_cast<std::uint8_t>(v >> 8));
        out.push_back(static_cast<std::uint8_t>(v));
      }
    }
  }
  return out;
}

std::string refusal(const Bytes& bytes, const DecodeOptions& options = {}) {
  return error_of([&] { decode_image(bytes, "x.jpg", options); });
}

// The pixel is within `tolerance` of the values: JPEG rounds.
bool near(const Image& image, int y, int x, std::array<int, 3> rgb, int tolerance) {
  for (std::size_t c = 0; c < 3; ++c) {
    if (std::abs(image.at(y, x)[c] - rgb[c]) > tolerance) return false;
  }
  return true;
}

const std::vector<Bytes>& samples() {
  static const std::vector<Bytes> all = {jpeg::kBaseline,   jpeg::kProgressive,     jpeg::kGrey,
                                         jpeg::kCmyk,       rgb_png(5, 7, pattern), make_bmp(5, 7, pattern),
                                         pnm(5, 255, 5, 7), pnm(6, 255, 5, 7),      pnm(6, 65535, 5, 7)};
  return all;
}

TEST_CASE("PNG, BMP and PNM give the pixels that were written") {
  CHECK(decode_image(rgb_png(5, 7, pattern), "x.png") == expected(5, 7));
  CHECK(decode_image(rgb_png(1, 1, pattern), "x.JPEG") == expected(1, 1));
  CHECK(decode_image(rgb_png(1, 5000, pattern), "x.png") == expected(1, 5000));
  CHECK(decode_image(make_bmp(5, 7, pattern), "x.bmp") == expected(5, 7));
  CHECK(decode_image(pnm(6, 255, 5, 7), "x.ppm") == expected(5, 7));
  CHECK(decode_image(pnm(6, 65535, 5, 7), "x.ppm") == expected(5, 7));
  const Image grey = decode_image(pnm(5, 255, 5, 7), "x.pgm");
  for (int c = 0; c < 3; ++c) CHECK(grey.at(4, 6)[c] == pattern(4, 6, 0));
  const Image dim = decode_image(pnm(5, 15, 5, 7), "x.pgm");
  CHECK(dim.at(2, 3)[1] == pattern(2, 3, 0) * 15 / 255 * 17);
}

TEST_CASE("grey, palette, alpha and 16-bit PNG become RGB") {
  Png png;
  png.width = 3;
  const auto pixels = [&] { return decode_image(make_png(png), "x.png").pixels; };

  png.color = 0;
  png.lines = {0, 9, 100, 255};
  CHECK(pixels() == Bytes{9, 9, 9, 100, 100, 100, 255, 255, 255});
  png.depth = 1;
  png.lines = {0, 0b10100000};
  CHECK(pixels() == Bytes{255, 255, 255, 0, 0, 0, 255, 255, 255});
  png.depth = 16;
  png.lines = {0, 1, 200, 2, 100, 255, 255};
  CHECK(pixels() == Bytes{1, 1, 1, 2, 2, 2, 255, 255, 255});
  png.color = 3;
  png.depth = 4;
  png.palette = {1, 2, 3, 40, 50, 60};
  png.lines = {0, 0x10, 0x10};
  CHECK(pixels() == Bytes{40, 50, 60, 1, 2, 3, 40, 50, 60});
  png.palette.clear();
  png.depth = 8;
  png.color = 4;
  png.lines = {0, 7, 0, 8, 128, 9, 255};
  CHECK(pixels() == Bytes{7, 7, 7, 8, 8, 8, 9, 9, 9});
  png.color = 6;
  png.lines = {0, 1, 2, 3, 0, 4, 5, 6, 128, 7, 8, 9, 255};
  CHECK(pixels() == Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("an interlaced PNG is put together from its seven passes") {
  constexpr int kHeight = 11, kWidth = 6;  // the second pass has one column, others are cut as well
  constexpr int passes[7][4] = {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4},
                                {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}};  // first line, column; steps
  Png png;
  png.height = kHeight;
  png.width = kWidth;
  png.interlace = 1;
  for (const auto& p : passes) {
    for (int y = p[0]; y < kHeight; y += p[2]) {
      if (p[1] < kWidth) png.lines.push_back(0);
      for (int x = p[1]; x < kWidth; x += p[3]) {
        for (int c = 0; c < 3; ++c) png.lines.push_back(pattern(y, x, c));
      }
    }
  }
  CHECK(decode_image(make_png(png), "x.png") == expected(kHeight, kWidth));
  png.width = 1;  // passes 2, 4 and 6 are empty
  png.height = 1;
  png.lines = {0, 3, 104, 205};
  CHECK(decode_image(make_png(png), "x.png") == expected(1, 1));
}

TEST_CASE("JPEG: sequential, progressive, grey, CMYK and YCCK") {
  for (const Bytes* file : {&jpeg::kBaseline, &jpeg::kProgressive}) {
    const Image image = decode_image(*file, "x.jpg");
    REQUIRE(image.height == 9);
    REQUIRE(image.width == 11);
    CHECK(near(image, 0, 0, {200, 30, 60}, 12));  // quality 75, 4:2:0 across the edge in the middle
    CHECK(near(image, 8, 10, {20, 120, 220}, 12));
  }
  const Image grey = decode_image(jpeg::kGrey, "x.jpg");
  CHECK(grey.height == 3);
  CHECK(near(grey, 2, 4, {77, 77, 77}, 1));

  // (0, 225, 195, 55): red is 255 - 55, green (255 - 225) (255 - 55) / 255, blue alike.
  CHECK(near(decode_image(jpeg::kCmyk, "x.jpg"), 3, 3, {200, 24, 47}, 2));
  Bytes ycck = jpeg::kCmyk;
  const auto adobe = std::search(ycck.begin(), ycck.end(), std::begin("Adobe"), std::end("Adobe") - 1);
  REQUIRE(adobe != ycck.end());
  adobe[11] = 2;
  // The same stored values (255, 30, 60, 200) read as Y, Cb, Cr: ink R = 255 + 1.402 (60 - 128), G = 255 -
  // 0.344 (30 - 128) - 0.714 (60 - 128), B = 255 + 1.772 (30 - 128), clipped; then (255 - ink) 200 / 255.
  CHECK(near(decode_image(ycck, "x.jpg"), 0, 0, {75, 0, 136}, 3));
}

TEST_CASE("a part of any kind of image has the pixels of the whole") {
  for (const Bytes& file : samples()) {
    const Image whole = decode_image(file, "x");
    CHECK(image_head(file, "x").size == whole.size());
    for (int top = 0; top < whole.height; ++top) {
      for (int left = 0; left < whole.width; left += 3) {
        const Region part = {top, left, (whole.height - top + 1) / 2, whole.width - left};
        CHECK(decode_region(file, "x", part) == crop(whole, top, left, part.height, part.width));
      }
    }
    const auto outside = [&](Region part) { return error_of([&] { decode_region(file, "x", part); }); };
    CHECK(contains(outside({-1, 0, 1, 1}), "1: [decode_region] expected a part of"));
    CHECK(contains(outside({0, 0, 0, 1}), "got 0 x 1 at (0, 0)"));
    CHECK(contains(outside({0, 1, 1, whole.width}), "[decode_region]"));
    CHECK(contains(outside({1, 0, whole.height, 1}), "[decode_region]"));
    CHECK(contains(outside({1, 0, std::numeric_limits<int>::max(), 1}), "[decode_region]"));
  }
  CHECK(contains(error_of([] { image_head(bytes_of("text"), "x"); }), "3: x: is not a JPEG"));
  CHECK(contains(error_of([] { decode_region(bytes_of("text"), "x", {}); }), "3: x: is not a JPEG"));
}

TEST_CASE("every file cut at any byte is refused") {
  for (const Bytes& file : samples()) {
    REQUIRE(refusal(file) == "no error");
    const std::size_t filling = file[0] == 'B' ? 3 : 0;  // of the last line of the BMP, which may be missing
    for (std::size_t n = 0; n < file.size() - filling; ++n) {
      INFO(n << " of " << file.size());
      const std::string message = refusal(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
      REQUIRE(message.starts_with("3: x.jpg: "));
      if (n >= 8) CHECK(contains(message, fmt::format("truncated at byte {}", n)));
    }
  }
}

TEST_CASE("bytes after the end are ignored") {
  for (Bytes file : samples()) {
    file.insert(file.end(), {0xFF, 0xD8, 0, 1, 2});
    CHECK(refusal(file) == "no error");
  }
}

TEST_CASE("every flipped bit of a PNG is noticed") {
  Png png;
  png.color = 3;
  png.palette = {1, 2, 3, 4, 5, 6};
  png.lines = {0, 1};
  for (const Bytes& file : {rgb_png(5, 7, pattern), make_png(png)}) {
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      Bytes flipped = file;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      INFO("bit " << bit);
      REQUIRE(refusal(flipped).starts_with("3: x.jpg: "));
    }
  }
}

TEST_CASE("flipped bits of other kinds never crash, and decode to the same image twice") {
  for (const Bytes& file : samples()) {
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      Bytes flipped = file;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      Image first, second;
      const DecodeOptions small = {.max_pixels = 1 << 18};
      const std::string message = error_of([&] { first = decode_image(flipped, "x", small); });
      REQUIRE((message == "no error" || message.starts_with("3: x: ")));
      CHECK(message == error_of([&] { second = decode_image(flipped, "x", small); }));
      INFO("bit " << bit << " of " << file.size() * 8);
      CHECK(first == second);
    }
  }
}

TEST_CASE("what is no image is named by its first bytes") {
  CHECK(refusal({}) == "3: x.jpg: is empty; expected a JPEG, PNG, BMP or PNM");
  CHECK(refusal(bytes_of("\n<HTML><body>")) ==
        "3: x.jpg: is an HTML page, perhaps of a failed download; expected a JPEG, PNG, BMP or PNM");
  CHECK(contains(refusal({7}), "is not a JPEG, PNG, BMP or PNM (starts '\\x07')"));
  CHECK(contains(refusal(bytes_of("GIF89a\1\2\3\4")), "x.jpg: is a GIF image; expected"));
  CHECK(contains(refusal(bytes_of("RIFF1234WEBPVP8 ")), "is a WebP image"));
  CHECK(contains(refusal({0, 0, 0, 24, 'f', 't', 'y', 'p', 'h', 'e', 'i', 'c'}), "is a HEIC or AVIF image"));
  CHECK(
      contains(refusal(bytes_of("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")),
               "is a git-lfs pointer ('git lfs pull' fetches the file itself)"));
  CHECK(contains(refusal(bytes_of("P3 1 1 255 1 2 3")), "unsupported PNM kind (P3)"));
  CHECK(contains(error_of([] { decode_image({}, "a\nb\xff"); }), "3: a\\x0ab\\xff: is empty"));
}

TEST_CASE("a wrong checksum names its chunk") {
  Bytes file = rgb_png(5, 7, pattern);
  file[60] ^= 1;
  CHECK(refusal(file) == "3: x.jpg: damaged: IDAT: incorrect data check");
}

TEST_CASE("sizes are held against the limits before anything is allocated") {
  Png png;
  const auto sized = [&](std::uint32_t width, std::uint32_t height) {
    png.width = width;
    png.height = height;
    return refusal(make_png(png));
  };
  CHECK(contains(sized(65535, 65535),
                 "image is 65535 x 65535, 4294836225 pixels; limit 178956970 (--max-image-pixels)"));
  CHECK(contains(sized(65536, 1), "image is 65536 x 1; limit 65535 per side"));
  CHECK(contains(sized(0, 7), "damaged: Invalid IHDR data"));
  CHECK(contains(sized(7, 0), "damaged: Invalid IHDR data"));
  CHECK(contains(sized(0xFFFFFFFFu, 1), "damaged: "));
  CHECK(contains(refusal(bytes_of("P5 65535 65535 255\n")), "image is 65535 x 65535, 4294836225 pixels"));
  CHECK(contains(refusal(bytes_of("P5 4 4 255\n"), {.max_pixels = 15}), "4 x 4, 16 pixels; limit 15"));
  CHECK(contains(refusal(bytes_of("P5 0 3 255\n")), "image is 0 x 3"));
  CHECK(contains(refusal(bytes_of("P5 99999999999 3 255\n")), "more than 9 digits"));
  CHECK(contains(refusal(bytes_of("P5 1 1 65536\n123")), "white value 65536"));
  CHECK(contains(refusal(bytes_of("P5 1 1 0\n123")), "white value 0"));
  Bytes bmp = make_bmp(5, 7, pattern);
  bmp[21] = 0x7F;  // highest byte of the width
  CHECK(contains(refusal(bmp), "limit 65535 per side"));
  Bytes jpg = jpeg::kBaseline;
  const Bytes frame = {0xFF, 0xC0, 0, 17, 8, 0, 9, 0, 11};
  const auto sof = std::search(jpg.begin(), jpg.end(), frame.begin(), frame.end());
  REQUIRE(sof != jpg.end());
  sof[5] = 0xFF;
  CHECK(contains(refusal(jpg, {.max_pixels = 1 << 19}), "image is 11 x 65289, 718179 pixels; limit 524288"));
  sof[5] = sof[6] = 0;
  CHECK(contains(refusal(jpg), "unsupported JPEG kind (Empty JPEG image (DNL not supported))"));
  CHECK(contains(refusal(jpeg::kBaseline, {.max_bytes = 300}), "319 bytes; limit 300"));
}

long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

// A fixed-Huffman deflate block: one zero, then runs of 258 zeros in 13 bits each.
Bytes bomb_stream(int runs) {
  Bytes out = {0x78, 0x01};
  std::uint32_t held = 0;
  int bits = 0;
  const auto put = [&](std::uint32_t code, int count) {  // first bit of the code first
    for (int i = count - 1; i >= 0; --i) {
      held |= (code >> i & 1u) << bits++;
      if (bits == 8) {
        out.push_back(static_cast<std::uint8_t>(held));
        held = 0;
        bits = 0;
      }
    }
  };
  put(1, 1);     // last block
  put(0b10, 2);  // fixed codes: 01, low bit first
  put(0b00110000, 8);
  for (int i = 0; i < runs; ++i) put(0b11000101'00000, 13);
  put(0, 7);
  put(0, 7);
  return out;
}

TEST_CASE("a PNG that inflates to more than its header says costs neither memory nor time") {
  Png png;
  png.width = png.height = 32;
  png.lines.assign(3104, 0);
  CHECK(refusal(make_png(png)) == "no error");
  CHECK(refusal(make_png(png, bomb_stream(12))) == "3: x.jpg: damaged: Not enough image data");
  png.lines.push_back(0);  // surplus data: some writers leave it behind the last line
  CHECK(refusal(make_png(png)) == "no error");
  png.lines.assign(3103, 0);
  CHECK(refusal(make_png(png)) == "3: x.jpg: damaged: Not enough image data");

  const Bytes bomb = make_png(png, bomb_stream(1'000'000));  // 258 MB
  const long before = peak_kib();
  CHECK(refusal(bomb) == "3: x.jpg: damaged: far more pixels than its header calls for");
  if (before == 0) WARN("peak memory not checked: no /proc/self/status");
  CHECK(peak_kib() - before < 32 * 1024);
}

TEST_CASE("a palette index beyond its table is black, however often it is decoded") {
  Png png;
  png.width = 4;
  png.color = 3;
  png.palette = {1, 2, 3, 40, 50, 60};
  png.lines = {0, 1, 2, 255, 0};
  for (int i = 0; i < 3; ++i) {
    CHECK(decode_image(make_png(png), "x").pixels == Bytes{40, 50, 60, 0, 0, 0, 0, 0, 0, 1, 2, 3});
  }
}

TEST_CASE("PNG with fields out of order or range") {
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  append_chunk(file, "IDAT", {});
  CHECK(contains(refusal(file), "damaged: IDAT"));
  Png png;
  png.lines = {0, 1, 2, 3};
  png.depth = 4;
  CHECK(contains(refusal(make_png(png)), "damaged: Invalid IHDR data"));
  png.depth = 8;
  png.color = 5;
  CHECK(contains(refusal(make_png(png)), "damaged: Invalid IHDR data"));
  png.color = 2;
  png.interlace = 2;
  CHECK(contains(refusal(make_png(png)), "damaged: Invalid IHDR data"));
  png.interlace = 0;
  CHECK(contains(refusal(make_png(png, {})), "damaged: Not enough image data"));
  CHECK(contains(refusal(make_png(png, {0x78, 0x01, 7})), "damaged: IDAT: "));
  png.lines[0] = 9;
  CHECK(contains(refusal(make_png(png)), "damaged: "));  // filter 9: the decoder's words
  png.color = 3;
  png.lines = {0, 0};
  CHECK(contains(refusal(make_png(png)), "damaged: "));  // no palette
}

TEST_CASE("unsupported and hostile JPEG") {
  const auto patched = [](std::size_t offset, std::uint8_t value) {
    Bytes file = jpeg::kBaseline;
    const Bytes frame = {0xFF, 0xC0, 0, 17};
    const auto sof = std::search(file.begin(), file.end(), frame.begin(), frame.end());
    sof[static_cast<std::ptrdiff_t>(offset)] = value;
    return refusal(file);
  };
  CHECK(contains(patched(1, 0xC3), "unsupported JPEG kind (Unsupported JPEG process: SOF type 0xc3)"));
  CHECK(contains(patched(1, 0xC6), "unsupported JPEG kind (Unsupported JPEG process: SOF type 0xc6)"));
  CHECK(contains(patched(4, 12), "unsupported JPEG kind (Unsupported JPEG data precision 12)"));
  CHECK(contains(patched(9, 2), "damaged: Bogus marker length"));
  // The last scan of the progressive file, over and over.
  const Bytes& file = jpeg::kProgressive;
  const Bytes marker = {0xFF, 0xDA};
  const auto last = std::find_end(file.begin(), file.end(), marker.begin(), marker.end());
  const Bytes scan(last, file.end() - 2);
  Bytes many(file.begin(), file.end() - 2);
  for (int i = 0; i < 1000; ++i) many.insert(many.end(), scan.begin(), scan.end());
  many.insert(many.end(), {0xFF, 0xD9});
  CHECK(contains(refusal(many), "damaged: Inconsistent progression sequence"));
  const auto first = std::search(file.begin(), file.end(), marker.begin(), marker.end());
  Bytes none(file.begin(), first);
  none.insert(none.end(), {0xFF, 0xD9});
  CHECK(contains(refusal(none), "damaged: Invalid JPEG file structure: missing SOS marker"));
  Bytes one(file.begin(), std::search(first + 2, file.end(), marker.begin(), marker.end()));
  one[static_cast<std::size_t>(first - file.begin()) + 4] = 1;  // a component in place of three
  one.erase(one.begin() + (first - file.begin()) + 7, one.begin() + (first - file.begin()) + 11);
  one[static_cast<std::size_t>(first - file.begin()) + 3] -= 4;
  one.insert(one.end(), {0xFF, 0xD9});
  CHECK(contains(refusal(one), "damaged: "));
}

}  // namespace
}  // namespace salu::test
