// SPDX-License-Identifier: MIT
/// Images: the front end and the decoders.
#include <algorithm>

#include "data/codecs.h"
#include "data/decode.h"
#include "data/image_check.h"
#include "data/resize.h"
#include "tests/fuzz/fuzz.h"

namespace salu::fuzz {
namespace {

// Small, so that an input costs little; the same code runs at any size.
const DecodeLimits kLimits{.max_side = 2048, .max_pixels = 1 << 17, .max_bytes = 1 << 20, .max_scans = 20};

bool fits(const Image& image, const ImageInfo& info) {
  return image.height == info.height && image.width == info.width &&
         image.pixels.size() == static_cast<std::size_t>(info.height * info.width * 3);
}

void read_image_bytes(std::span<const std::uint8_t> input) {
  const ImageInfo info = check_image(input, "f", kLimits);
  const Image whole = decode_image(input, "f", kLimits);
  require(fits(whole, info), "the image has another size than its header says");
  const auto height = static_cast<int>(info.height), width = static_cast<int>(info.width);
  const Region region{height / 3, width / 3, height - height / 3, (width - width / 3 + 1) / 2};
  const Image part = decode_region(input, "f", region, kLimits);
  require(part.pixels == crop(whole, region.top, region.left, region.height, region.width).pixels,
          "a part of the image is not a part of the whole");
}

void put_big_endian(Bytes& b, std::size_t at, std::uint32_t v) {
  for (int i = 0; i < 4; ++i)
    b[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(v >> (24 - 8 * i));
}

std::uint32_t big_endian(const Bytes& b, std::size_t at) {
  return std::uint32_t{b[at]} << 24 | std::uint32_t{b[at + 1]} << 16 | std::uint32_t{b[at + 2]} << 8 |
         b[at + 3];
}

std::uint32_t crc32(const Bytes& b, std::size_t begin, std::size_t end) {
  std::uint32_t c = ~0u;
  for (std::size_t i = begin; i < end; ++i) {
    c ^= b[i];
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (c & 1 ? 0xEDB88320u : 0);
  }
  return ~c;
}

// The checksum of each chunk, as far as the lengths hold; a last chunk that is cut gets the length that is
// left.
void repair_png(Bytes& b) {
  constexpr std::size_t kSignature = 8, kAround = 12;  // length, type and checksum of a chunk
  for (std::size_t at = kSignature; at + kAround <= b.size();) {
    const std::size_t room = b.size() - at - kAround;
    const std::size_t length = std::min<std::size_t>(big_endian(b, at), room);
    put_big_endian(b, at, static_cast<std::uint32_t>(length));
    put_big_endian(b, at + 8 + length, crc32(b, at + 4, at + 8 + length));
    at += length + kAround;
  }
}

std::vector<Bytes> pnm_seeds() {
  return {bytes_of("P6\n3 2\n255\n0123456789abcdefgh"),
          bytes_of("P5 # grey\n# and a comment\n 4 2 15 \1\2\3\4\5\6\7\10"),
          bytes_of("P6 1 2 65535\nabcdefghijkl"), bytes_of("P5 2 2 1000\nabcdefgh and more")};
}

}  // namespace

// The other decoder as well: it takes JPEG where libjpeg-turbo is not found.
void fuzz_jpeg(std::span<const std::uint8_t> input) {
  check_image(input, "f", kLimits);
  Image image;
  static_cast<void>(stb::decode(input, image));
  read_image_bytes(input);
}

void fuzz_png(std::span<const std::uint8_t> input) { read_image_bytes(input); }
void fuzz_bmp(std::span<const std::uint8_t> input) { read_image_bytes(input); }
void fuzz_pnm(std::span<const std::uint8_t> input) { read_image_bytes(input); }

std::vector<Target> image_targets() {
  using namespace std::string_literals;
  const std::vector<ErrorCode> codes = {ErrorCode::data};
  const std::vector<std::string> markers = {"\xFF\xD8\xFF\xE0"s,
                                            "\xFF\xC0"s,
                                            "\xFF\xC1"s,
                                            "\xFF\xC2"s,
                                            "\xFF\xC4"s,
                                            "\xFF\xDA"s,
                                            "\xFF\xDB"s,
                                            "\xFF\xDD\0\4\0\1"s,
                                            "\xFF\xD0"s,
                                            "\xFF\xD9"s,
                                            "\xFF\xEE\0\16Adobe\0\144\0\0\0\0\2"s,
                                            "\xFF\0"s};
  const std::vector<std::string> chunks = {"IHDR"s, "PLTE"s, "tRNS"s,        "IDAT"s,
                                           "IEND"s, "CgBI"s, "\0\0\0\0IEND"s};
  return {
      {"jpeg", fuzz_jpeg, codes, nullptr, nullptr, markers},
      {"png", fuzz_png, codes, nullptr, repair_png, chunks},
      {"bmp", fuzz_bmp, codes},
      {"pnm", fuzz_pnm, codes, pnm_seeds, nullptr, {"P5 ", "P6 ", "#", "\n", "65535", "16384", "99999999"}}};
}

}  // namespace salu::fuzz
