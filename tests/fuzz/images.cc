// SPDX-License-Identifier: MIT
/// Images: every decoder.
#include <algorithm>

#include "data/decode.h"
#include "data/exif.h"
#include "tests/fuzz/fuzz.h"

namespace salu::fuzz {
namespace {

// Small, so that an input costs little; the same code runs at any size.
constexpr std::int64_t kMaxPixels = 1 << 17, kMaxBytes = 1 << 20;

void read_image_bytes(std::span<const std::uint8_t> input) {
  const DecodeOptions stored{.max_pixels = kMaxPixels, .max_bytes = kMaxBytes};
  const ImageHead head = image_head(input, "f", stored);
  const Image whole = decode_image(input, "f", stored);
  require(whole.size() == head.size, "the image has another size than its header says");
  require(whole.pixels.size() == std::size_t{3} * static_cast<std::size_t>(whole.height * whole.width),
          "the image has another number of pixels than its size says");
  require(decode_image(input, "f", stored) == whole, "the same file decodes to two images");
  const auto part_is_part = [&](const Image& all, const DecodeOptions& options) {
    const Region region{all.height / 3, all.width / 3, all.height - all.height / 3,
                        (all.width - all.width / 3 + 1) / 2};
    require(decode_region(input, "f", region, options) ==
                crop(all, region.top, region.left, region.height, region.width),
            "a part of the image is not a part of the whole");
  };
  part_is_part(whole, stored);
  DecodeOptions apply = stored;
  apply.exif = ExifOrientation::apply;
  if (head.orientation == 1) return;
  const Image upright = decode_image(input, "f", apply);
  require(upright == turned(whole, head.orientation), "the image is not turned as its EXIF data say");
  part_is_part(upright, apply);
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

void fuzz_jpeg(std::span<const std::uint8_t> input) { read_image_bytes(input); }
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
                                            "\xFF\xE1\0\x22"
                                            "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"s,
                                            "\xFF\xD9"s,
                                            "\xFF\xEE\0\16Adobe\0\144\0\0\0\0\2"s,
                                            "\xFF\0"s};
  const std::vector<std::string> chunks = {"IHDR"s, "PLTE"s, "tRNS"s, "IDAT"s,
                                           "IEND"s, "CgBI"s, "eXIf"s, "\0\0\0\0IEND"s};
  return {
      {"jpeg", fuzz_jpeg, codes, nullptr, nullptr, markers},
      {"png", fuzz_png, codes, nullptr, repair_png, chunks},
      {"bmp", fuzz_bmp, codes},
      {"pnm", fuzz_pnm, codes, pnm_seeds, nullptr, {"P5 ", "P6 ", "#", "\n", "65535", "16384", "99999999"}}};
}

}  // namespace salu::fuzz
