// SPDX-License-Identifier: MIT
/// Decoding: BMPs of every header, and EXIF orientation.
#include <array>

#include "data/decode.h"
#include "data/exif.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/jpeg_samples.h"

namespace salu::test {
namespace {

std::string refusal(const Bytes& bytes) {
  return error_of([&] { decode_image(bytes, "x.jpg"); });
}

void put_little(Bytes& out, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

/// A BMP of any header: what stands between header and pixels, and the pixels.
struct Bmp {
  std::uint32_t header = 40, width = 2, height = 1, bits = 24, compression = 0, colors = 0, offset = 0;
  Bytes between, pixels;

  Bytes file() const {
    Bytes out = {'B', 'M'};
    put_little(out, 0, 8);
    put_little(out, offset ? offset : 14 + header + static_cast<std::uint32_t>(between.size()), 4);
    put_little(out, header, 4);
    const int side = header == 12 ? 2 : 4;
    put_little(out, width, side);
    put_little(out, height, side);
    put_little(out, 1, 2);
    put_little(out, bits, 2);
    Bytes rest;
    put_little(rest, compression, 4);
    rest.resize(16);
    put_little(rest, colors, 4);
    put_little(rest, 0, 4);
    if (header > 12) out.insert(out.end(), rest.begin(), rest.end());
    if (header <= 40) out.resize(14 + header);
    out.insert(out.end(), between.begin(), between.end());
    if (header > 40) out.resize(std::max<std::size_t>(out.size(), 14 + header));
    out.insert(out.end(), pixels.begin(), pixels.end());
    return out;
  }
  Bytes decoded() const { return decode_image(file(), "x").pixels; }
};

TEST_CASE("BMP: palettes of every header, gaps, and indices beyond the table") {
  const Bytes colors = {1, 2, 3, 0, 40, 50, 60, 0};  // blue, green, red, unused
  Bmp bmp{.width = 4, .bits = 8, .colors = 2, .between = colors, .pixels = {0, 1, 1, 0}};
  const Bytes right = {3, 2, 1, 60, 50, 40, 60, 50, 40, 3, 2, 1};
  CHECK(bmp.decoded() == right);
  bmp.between.insert(bmp.between.end(), {9, 9, 9, 9, 9});  // a gap
  CHECK(bmp.decoded() == right);
  bmp.colors = 0;  // all 256, of which the file has two
  CHECK(bmp.decoded() == right);
  bmp.pixels = {0, 2, 255, 1};
  bmp.between.resize(8);
  bmp.colors = 2;
  CHECK(bmp.decoded() == Bytes{3, 2, 1, 0, 0, 0, 0, 0, 0, 60, 50, 40});
  bmp.offset = 54;  // the table is forgotten
  CHECK(bmp.decoded() == Bytes{3, 2, 1, 0, 0, 0, 0, 0, 0, 60, 50, 40});
  bmp.offset = 53;
  CHECK(contains(refusal(bmp.file()), "damaged: pixels at byte 53, inside the header"));
  const Bmp os2{
      .header = 12, .width = 4, .bits = 8, .between = {1, 2, 3, 40, 50, 60}, .pixels = {0, 1, 1, 0}};
  CHECK(os2.decoded() == right);
  const Bmp bits4{.width = 3, .bits = 4, .colors = 2, .between = colors, .pixels = {0x01, 0x10, 0, 0}};
  CHECK(bits4.decoded() == Bytes{3, 2, 1, 60, 50, 40, 60, 50, 40});
}

TEST_CASE("BMP: true colour with a palette behind it, bit masks, top-down, no filling at the end") {
  Bmp bmp{.colors = 2, .between = {1, 2, 3, 0, 4, 5, 6, 0}, .pixels = {10, 20, 30, 40, 50, 60}};
  CHECK(bmp.decoded() == Bytes{30, 20, 10, 60, 50, 40});
  bmp.pixels.pop_back();
  CHECK(contains(refusal(bmp.file()), "truncated at byte 67"));
  const Bmp plain16{.bits = 16, .pixels = {0x00, 0x7C, 0xE1, 0x03}};
  CHECK(plain16.decoded() == Bytes{255, 0, 0, 0, 255, 8});
  for (const std::uint32_t header : {40, 52, 56, 108, 124}) {
    Bmp masks{.header = header, .bits = 16, .compression = 3, .pixels = {0x00, 0xF8, 0xE1, 0x07}};
    for (const std::uint32_t mask : {0xF800u, 0x7E0u, 0x1Fu}) put_little(masks.between, mask, 4);
    if (header > 40) masks.offset = 14 + header;
    CHECK(masks.decoded() == Bytes{255, 0, 0, 0, 255, 8});
  }
  Bmp ten{
      .width = 1, .bits = 32, .compression = 3, .pixels = {0xFF, 0x03, 0x00, 0x80}};  // 2, 10, 10, 10 bits
  for (const std::uint32_t mask : {0x3FFu, 0xFFC00u, 0x3FF00000u}) put_little(ten.between, mask, 4);
  CHECK(ten.decoded() == Bytes{255, 0, 0});
  ten.between[0] = 0xF5;
  CHECK(contains(refusal(ten.file()), "unsupported BMP kind (a colour mask 0x3f5)"));
  Bmp down{.width = 1, .height = 0xFFFFFFFEu, .bits = 32, .pixels = {1, 2, 3, 0, 4, 5, 6, 0}};
  CHECK(down.decoded() == Bytes{3, 2, 1, 6, 5, 4});
}

TEST_CASE("BMP kinds that are not read are called unsupported, not damaged") {
  CHECK(contains(refusal(Bmp{.bits = 8, .compression = 1, .pixels = {0, 0}}.file()),
                 "3: x.jpg: unsupported BMP kind (compression 1)"));
  CHECK(
      contains(refusal(Bmp{.bits = 0, .compression = 4}.file()), "unsupported BMP kind (0 bits per pixel)"));
  CHECK(
      contains(refusal(Bmp{.header = 64, .compression = 3}.file()), "unsupported BMP kind (compression 3)"));
  CHECK(contains(refusal(Bmp{.header = 16}.file()), "unsupported BMP kind (a header of 16 bytes)"));
}

Bytes tiff(const std::string& order, std::uint32_t value) {
  const bool little = order == "II";
  Bytes out = bytes_of(order);
  const auto number = [&](std::uint32_t v, int count) {
    for (int i = 0; i < count; ++i) {
      out.push_back(static_cast<std::uint8_t>(v >> 8 * (little ? i : count - 1 - i)));
    }
  };
  number(42, 2);
  number(8, 4);
  number(2, 2);  // entries: a width, and the orientation
  for (const auto& [tag, type, count, v] :
       {std::array<std::uint32_t, 4>{0x100, 4, 1, 7}, {0x112, 3, 1, value}}) {
    number(tag, 2);
    number(type, 2);
    number(count, 4);
    number(v, type == 3 ? 2 : 4);
    if (type == 3) number(0, 2);
  }
  number(0, 4);
  return out;
}

TEST_CASE("EXIF orientation: counted always, applied on demand, to parts as well") {
  // Where the first two lines' pixels a b / c d of a 2 x 2 image go: EXIF 2.3, section 4.6.4, tag 274.
  const std::array<const char*, 9> turned_to = {"",     "abcd", "badc", "dcba", "cdab",
                                                "acbd", "cadb", "dbca", "bdac"};
  for (int o = 1; o <= 8; ++o) {
    CHECK(exif_orientation(tiff(o % 2 ? "II" : "MM", static_cast<std::uint32_t>(o))) == o);
    Image image(2, 2);
    for (std::size_t i = 0; i < 4; ++i) image.pixels[3 * i] = static_cast<std::uint8_t>("abcd"[i]);
    const Image out = turned(image, o);
    for (std::size_t i = 0; i < 4; ++i) CHECK(out.pixels[3 * i] == turned_to[static_cast<std::size_t>(o)][i]);

    Bytes file = jpeg::kBaseline, exif = bytes_of("Exif");
    exif.insert(exif.end(), {0, 0});
    const Bytes data = tiff("MM", static_cast<std::uint32_t>(o));
    exif.insert(exif.end(), data.begin(), data.end());
    exif.insert(exif.begin(), {0xFF, 0xE1, 0, static_cast<std::uint8_t>(exif.size() + 2)});
    file.insert(file.begin() + 2, exif.begin(), exif.end());
    const Image stored = decode_image(jpeg::kBaseline, "x");
    CHECK(image_head(file, "x").orientation == o);
    CHECK(decode_image(file, "x") == stored);
    const DecodeOptions apply{.exif = ExifOrientation::apply};
    const Image whole = decode_image(file, "x", apply);
    CHECK(whole == turned(stored, o));
    CHECK(whole.height == (o < 5 ? 9 : 11));
    EncodedImage source(file, "x", apply);
    CHECK(source.size() == whole.size());
    for (const Region& part : {Region{1, 2, 5, 4}, {0, 3, 1, 6}, {7, 0, 2, 2}}) {
      CHECK(to_image(source.part(part)) == crop(whole, part.top, part.left, part.height, part.width));
    }
  }
  const Bytes good = tiff("II", 6);
  for (std::size_t n = 0; n < good.size() - 8; ++n) {
    CHECK(exif_orientation(std::span(good).first(n)) == 1);
  }
  CHECK(exif_orientation(tiff("II", 9)) == 1);
  CHECK(exif_orientation(tiff("XX", 6)) == 1);
}

TEST_CASE("broken EXIF is ignored, and an end marker inside it is not the end") {
  Bytes file = jpeg::kBaseline;
  const Bytes exif = {0xFF, 0xE1, 0, 12, 'E', 'x', 'i', 'f', 0, 0, 0xFF, 0xD9, 0xFF, 0xD9};
  file.insert(file.begin() + 2, exif.begin(), exif.end());
  CHECK(decode_image(file, "x.jpg") == decode_image(jpeg::kBaseline, "x.jpg"));
  file.resize(200);
  CHECK(contains(refusal(file), "truncated at byte 200"));
}

}  // namespace
}  // namespace salu::test
