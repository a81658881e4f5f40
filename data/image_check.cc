// SPDX-License-Identifier: MIT
#include "data/image_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/codecs.h"

namespace salu {
namespace {

/// Cursor over the bytes of one file. Reading past the end throws an error with the file's name.
class Walk {
 public:
  Walk(std::span<const std::uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(&name) {}

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::data, "{}: {}", *name_, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void truncated() const { refuse("truncated at byte {}", bytes_.size()); }

  std::size_t position() const { return position_; }
  bool at_end() const { return position_ == bytes_.size(); }
  void skip(std::uint64_t count) {
    if (count > bytes_.size() - position_) truncated();
    position_ += static_cast<std::size_t>(count);
  }
  std::span<const std::uint8_t> take(std::uint64_t count) {
    const std::size_t begin = position_;
    skip(count);
    return bytes_.subspan(begin, static_cast<std::size_t>(count));
  }
  void skip_to(std::uint8_t value) {
    const std::span<const std::uint8_t> rest = bytes_.subspan(position_);
    const void* found = rest.empty() ? nullptr : std::memchr(rest.data(), value, rest.size());
    if (!found) truncated();
    position_ = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes_.data());
  }
  std::uint8_t byte() { return take(1)[0]; }
  std::uint8_t peek() const {
    if (at_end()) truncated();
    return bytes_[position_];
  }
  std::uint32_t big_endian(int count) {
    std::uint32_t v = 0;
    for (const std::uint8_t b : take(static_cast<std::uint64_t>(count))) v = v << 8 | b;
    return v;
  }
  std::uint32_t little_endian(int count) {
    std::uint32_t v = 0;
    int shift = 0;
    for (const std::uint8_t b : take(static_cast<std::uint64_t>(count))) {
      v |= std::uint32_t{b} << shift;
      shift += 8;
    }
    return v;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  const std::string* name_;
  std::size_t position_ = 0;
};

void check_size(const Walk& in, const ImageInfo& info, const DecodeLimits& limits) {
  if (info.width < 1 || info.height < 1) {
    in.refuse("image is {} x {}; expected at least 1 x 1", info.width, info.height);
  }
  if (info.width > limits.max_side || info.height > limits.max_side) {
    in.refuse("image is {} x {}; limit {} per side", info.width, info.height, limits.max_side);
  }
  if (info.width * info.height > limits.max_pixels) {
    in.refuse("image is {} x {}; limit {} pixels", info.width, info.height, limits.max_pixels);
  }
}

// JPEG (ITU T.81, annex B)

struct JpegState {
  std::vector<std::uint8_t> components;  // ids of the frame header
  std::vector<bool> started;             // components whose first coefficients a scan has brought
  int scans = 0;
};

// Accepts progressive and sequential Huffman coding with 8 bits only.
void read_frame_header(Walk& segment, int marker, JpegState& state, ImageInfo& info) {
  const auto unsupported = [&](const char* what) { segment.refuse("unsupported JPEG kind ({})", what); };
  if (marker == 0xC3) unsupported("lossless");
  if (marker >= 0xC9) unsupported("arithmetic");
  if (marker >= 0xC5) unsupported("hierarchical");
  if (!state.components.empty()) segment.refuse("damaged: a second frame header");
  const std::uint32_t bits = segment.big_endian(1);
  if (bits == 12) unsupported("12-bit");
  if (bits != 8) segment.refuse("damaged: {} bits per value", bits);
  info.height = segment.big_endian(2);
  info.width = segment.big_endian(2);
  const std::uint8_t count = segment.byte();
  if (count != 1 && count != 3 && count != 4) segment.refuse("unsupported JPEG kind ({} components)", count);
  for (int i = 0; i < count; ++i) {
    state.components.push_back(segment.byte());
    segment.skip(2);
  }
  state.started.assign(count, false);
}

void read_scan_header(Walk& segment, JpegState& state, const DecodeLimits& limits) {
  if (state.components.empty()) segment.refuse("damaged: a scan before the frame header");
  if (++state.scans > limits.max_scans) segment.refuse("more than {} scans", limits.max_scans);
  std::vector<std::uint8_t> ids;
  const std::uint8_t count = segment.byte();
  for (int i = 0; i < count; ++i) {
    ids.push_back(segment.byte());
    segment.skip(1);
  }
  const std::uint8_t first_coefficient = segment.byte();
  segment.skip(1);
  const int refined_from = segment.byte() >> 4;
  if (first_coefficient != 0 || refined_from != 0) return;
  for (std::size_t i = 0; i < state.components.size(); ++i) {
    if (std::find(ids.begin(), ids.end(), state.components[i]) != ids.end()) state.started[i] = true;
  }
}

// A table has the number of codes of each length, then a symbol for each code. stb 2.27 writes past its own
// table when there are more than 256.
void check_huffman_tables(Walk& segment) {
  while (!segment.at_end()) {
    segment.skip(1);
    std::size_t codes = 0;
    for (int length = 1; length <= 16; ++length) codes += segment.byte();
    if (codes > 256) segment.refuse("damaged: a Huffman table of {} codes; expected at most 256", codes);
    segment.skip(codes);
  }
}

// Coded data: FF 00 is a byte FF, FF D0..D7 a restart, any other FF xx the next marker.
void skip_scan_data(Walk& in) {
  while (true) {
    in.skip_to(0xFF);
    const Walk before = in;
    while (in.peek() == 0xFF) in.skip(1);
    const std::uint8_t next = in.byte();
    if (next == 0 || (next >= 0xD0 && next <= 0xD7)) continue;
    in = before;
    return;
  }
}

ImageInfo check_jpeg(Walk in, const std::string& name, const DecodeLimits& limits) {
  constexpr int kHuffman = 0xC4, kEnd = 0xD9, kScan = 0xDA;
  ImageInfo info;
  JpegState state;
  in.skip(2);
  while (true) {
    if (in.byte() != 0xFF) in.refuse("damaged: no marker at byte {}", in.position() - 1);
    while (in.peek() == 0xFF) in.skip(1);
    const int marker = in.byte();
    if (marker == kEnd) break;
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;  // markers without a length
    const std::uint32_t length = in.big_endian(2);
    if (length < 2) in.refuse("damaged: segment of {} bytes at byte {}", length, in.position() - 2);
    Walk segment(in.take(length - 2), name);
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != kHuffman && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      read_frame_header(segment, marker, state, info);
      check_size(in, info, limits);
    }
    if (marker == kHuffman) check_huffman_tables(segment);
    if (marker == kScan) {
      read_scan_header(segment, state, limits);
      skip_scan_data(in);
    }
  }
  if (state.components.empty()) in.refuse("damaged: no frame header");
  if (std::find(state.started.begin(), state.started.end(), false) != state.started.end()) {
    in.refuse("damaged: a colour component without a scan");
  }
  return info;
}

// PNG (ISO 15948)

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (c & 1 ? 0xEDB88320u : 0);
    table[i] = c;
  }
  return table;
}();

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t c = ~0u;
  for (const std::uint8_t b : bytes) c = kCrcTable[(c ^ b) & 255] ^ (c >> 8);
  return ~c;
}

struct PngHeader {
  std::int64_t bits_per_pixel = 0;
  bool interlaced = false;
};

PngHeader read_png_header(Walk data, ImageInfo& info) {
  info.width = data.big_endian(4);
  info.height = data.big_endian(4);
  const std::uint32_t depth = data.byte(), color = data.byte();
  const std::uint32_t compression = data.byte(), filter = data.byte(), interlace = data.byte();
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};  // channels by colour type; 0: no such type
  const bool power_of_two = depth != 0 && (depth & (depth - 1)) == 0;
  const std::uint32_t lowest = color == 0 || color == 3 ? 1 : 8, highest = color == 3 ? 8 : 16;
  if (color > 6 || kChannels[color] == 0 || !power_of_two || depth < lowest || depth > highest ||
      compression != 0 || filter != 0 || interlace > 1 || !data.at_end()) {
    data.refuse("damaged: PNG header with colour type {}, {} bits, compression {}, filter {}, interlace {}",
                color, depth, compression, filter, interlace);
  }
  return {static_cast<std::int64_t>(depth) * kChannels[color], interlace == 1};
}

// Size after inflation: each line of each pass has one more byte for its filter.
std::int64_t inflated_size(const ImageInfo& info, const PngHeader& header) {
  const auto pass = [&](std::int64_t width, std::int64_t height) {
    return width > 0 ? height * (1 + (width * header.bits_per_pixel + 7) / 8) : 0;
  };
  if (!header.interlaced) return pass(info.width, info.height);
  struct Adam7 {
    int x, y, step_x, step_y;
  };
  constexpr Adam7 kPasses[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                               {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  std::int64_t total = 0;
  for (const Adam7& p : kPasses) {
    total +=
        pass((info.width - p.x + p.step_x - 1) / p.step_x, (info.height - p.y + p.step_y - 1) / p.step_y);
  }
  return total;
}

void check_inflated(const Walk& in, std::span<const std::uint8_t> idat, std::int64_t expected) {
  if (expected > std::numeric_limits<int>::max()) in.refuse("image needs {} bytes; limit 2^31", expected);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(expected));
  const std::int64_t got = stb::inflate(idat, out);
  if (got < 0) in.refuse("damaged: IDAT does not inflate");
  if (got > expected) in.refuse("IDAT holds more than the {} bytes its header calls for", expected);
  if (got < expected) in.refuse("IDAT holds {} of the {} bytes its header calls for", got, expected);
}

ImageInfo check_png(Walk in, const std::string& name, const DecodeLimits& limits) {
  ImageInfo info;
  info.kind = ImageKind::png;
  PngHeader header;
  std::vector<std::uint8_t> idat;
  in.skip(8);
  for (bool first = true;; first = false) {
    const std::uint64_t length = in.big_endian(4);
    const std::span<const std::uint8_t> checked = in.take(4 + length);
    const std::uint32_t crc = in.big_endian(4);
    const std::string_view type(reinterpret_cast<const char*>(checked.data()), 4);
    const std::span<const std::uint8_t> data = checked.subspan(4);
    if (crc32(checked) != crc) in.refuse("bad CRC in {}", type);
    if (first != (type == "IHDR")) in.refuse("damaged: {} chunk in IHDR's place", type);
    if (first) {
      header = read_png_header(Walk(data, name), info);
      check_size(in, info, limits);
    }
    if (type == "IDAT") idat.insert(idat.end(), data.begin(), data.end());
    if (type == "IEND") break;
  }
  if (idat.empty()) in.refuse("damaged: no IDAT chunk");
  check_inflated(in, idat, inflated_size(info, header));
  return info;
}

// BMP and PNM

// Each palette index must have a colour, because the decoder does not check it.
void check_palette_indices(Walk pixels, const ImageInfo& info, std::size_t line_bytes, std::uint32_t bits,
                           std::uint64_t colors) {
  if (colors >= (1u << bits)) return;
  for (std::int64_t y = 0; y < info.height; ++y) {
    const auto line = pixels.take(line_bytes);
    for (std::size_t x = 0; x < static_cast<std::size_t>(info.width); ++x) {
      const std::size_t bit = x * bits;
      const std::uint32_t index = (line[bit / 8] >> (8 - bits - bit % 8)) & ((1u << bits) - 1);
      if (index >= colors) pixels.refuse("damaged: colour {} of a table of {}", index, colors);
    }
  }
}

ImageInfo check_bmp(Walk in, const DecodeLimits& limits) {
  constexpr std::uint32_t kFileHeader = 14, kOldHeader = 12;
  const Walk file = in;
  ImageInfo info;
  info.kind = ImageKind::bmp;
  in.skip(10);
  const std::uint64_t offset = in.little_endian(4);
  const std::uint32_t header = in.little_endian(4);
  const bool old = header == kOldHeader;
  if (!old && header < 40) in.refuse("unsupported BMP kind (header of {} bytes)", header);
  const auto size = [&] {
    return old ? std::int64_t{in.little_endian(2)} : static_cast<std::int32_t>(in.little_endian(4));
  };
  info.width = size();
  info.height = size();
  if (!old && info.height < 0) info.height = -info.height;  // lines are stored from top to bottom
  check_size(in, info, limits);
  in.skip(2);
  const std::uint32_t bits = in.little_endian(2);
  const std::uint32_t compression = old ? 0 : in.little_endian(4);
  if (compression != 0 && compression != 3) in.refuse("unsupported BMP kind (compression {})", compression);
  const auto line_bytes = static_cast<std::uint64_t>((info.width * bits + 31) / 32 * 4);
  Walk pixels = file;
  pixels.skip(offset);
  const Walk first_line = pixels;
  pixels.skip(line_bytes * static_cast<std::uint64_t>(info.height));
  if (bits == 1 || bits == 4 || bits == 8) {
    const std::uint64_t table = kFileHeader + header;
    if (offset < table) in.refuse("damaged: pixels at byte {}, inside the header", offset);
    // stb 2.27 leaves the last 12 bytes of an old-style palette unread.
    const std::uint64_t unread = old ? std::min<std::uint64_t>(offset - table, 12) : 0;
    check_palette_indices(first_line, info, line_bytes, bits, (offset - table - unread) / (old ? 3 : 4));
  }
  return info;
}

int pnm_number(Walk& in) {
  const auto blank = [](int c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (blank(in.peek()) || in.peek() == '#') {
    if (in.byte() != '#') continue;
    while (in.byte() != '\n') {
    }
  }
  int value = 0;
  const std::size_t begin = in.position();
  while (in.peek() >= '0' && in.peek() <= '9') {
    if (value > 99'999'999) in.refuse("damaged: PNM header with a number of more than 9 digits");
    value = value * 10 + (in.byte() - '0');
  }
  if (in.position() == begin || !blank(in.peek())) in.refuse("damaged: PNM header, byte {}", in.position());
  return value;
}

ImageInfo check_pnm(Walk in, const DecodeLimits& limits) {
  ImageInfo info;
  info.kind = ImageKind::pnm;
  in.skip(1);
  const char type = static_cast<char>(in.byte());
  if (type != '5' && type != '6') in.refuse("unsupported PNM kind (P{}); expected P5 or P6", type);
  info.channels = type == '6' ? 3 : 1;
  info.width = pnm_number(in);
  info.height = pnm_number(in);
  check_size(in, info, limits);
  info.max_value = pnm_number(in);
  if (info.max_value < 1 || info.max_value > 65535) {
    in.refuse("damaged: PNM with white value {}; expected 1..65535", info.max_value);
  }
  in.skip(1);
  info.pixel_offset = static_cast<std::int64_t>(in.position());
  in.skip(
      static_cast<std::uint64_t>(info.width * info.height * info.channels * (info.max_value > 255 ? 2 : 1)));
  return info;
}

}  // namespace

ImageInfo check_image(std::span<const std::uint8_t> bytes, const std::string& name,
                      const DecodeLimits& limits) {
  const Walk in(bytes, name);
  const auto max_bytes = std::min<std::int64_t>(limits.max_bytes, std::numeric_limits<int>::max());
  if (static_cast<std::int64_t>(bytes.size()) > max_bytes) {
    in.refuse("{} bytes; limit {}", bytes.size(), max_bytes);
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xD8\xFF")) return check_jpeg(in, name, limits);
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return check_png(in, name, limits);
  if (text.starts_with("BM")) return check_bmp(in, limits);
  if (text.size() > 1 && text[0] == 'P' && text[1] >= '1' && text[1] <= '7') return check_pnm(in, limits);
  if (text.empty()) in.refuse("is empty; expected a JPEG, PNG, BMP or PNM");
  constexpr std::size_t kShown = 6;
  in.refuse("is not a JPEG, PNG, BMP or PNM (starts '{}')", text.substr(0, kShown));
}

}  // namespace salu
