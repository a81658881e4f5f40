// SPDX-License-Identifier: MIT
/// BMP and PNM: pixels as they lie in the file.
#include <algorithm>
#include <array>
#include <bit>

#include "data/codecs.h"

namespace salu {
namespace {

/// Cursor over the bytes of a file. Reading past the end throws.
class ByteReader {
 public:
  explicit ByteReader(const ImageFile& file) : file_(&file) {}

  std::size_t position() const { return position_; }
  void skip_to(std::uint64_t position) {
    if (position > file_->bytes.size()) file_->truncated();
    position_ = static_cast<std::size_t>(position);
  }
  std::span<const std::uint8_t> take(std::uint64_t count) {
    const std::size_t begin = position_;
    if (count > file_->bytes.size() - begin) file_->truncated();
    position_ += static_cast<std::size_t>(count);
    return file_->bytes.subspan(begin, static_cast<std::size_t>(count));
  }
  std::uint8_t byte() { return take(1)[0]; }
  std::uint8_t peek() const { return ByteReader(*this).byte(); }
  std::uint32_t little_endian(int count) {
    std::uint32_t value = 0;
    const auto bytes = take(static_cast<std::uint64_t>(count));
    for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[static_cast<std::size_t>(i)];
    return value;
  }

 private:
  const ImageFile* file_;
  std::size_t position_ = 0;
};

// BMP

/// A colour of a pixel of 16 to 32 bits.
struct Channel {
  std::uint32_t mask = 0;

  std::uint8_t of(std::uint32_t pixel) const {
    if (mask == 0) return 0;
    const int shift = std::countr_zero(mask);
    return static_cast<std::uint8_t>(std::uint64_t{(pixel & mask) >> shift} * 255 / (mask >> shift));
  }
  /// Its bits are neighbours.
  bool is_one_run() const {
    const std::uint32_t low = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    return (low & (low + 1)) == 0;
  }
};

/// Everything that the headers of a BMP say.
struct BmpLayout {
  ImageSize size;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::array<Channel, 3> channels;  // of 16 to 32 bits
  std::array<Rgb, 256> palette{};   // of 1 to 8 bits; colours that the file lacks are black, as in Pillow
  std::uint64_t pixels = 0, stride = 0;  // bytes; the last line may lack those that fill it up
};

std::array<Channel, 3> read_masks(ByteReader& in, const ImageFile& file, std::uint32_t bits, bool given) {
  std::array<Channel, 3> out;
  for (Channel& c : out) c.mask = given ? in.little_endian(4) : 0;
  for (const Channel& c : out) {
    if (!c.is_one_run()) file.refuse("unsupported BMP kind (a colour mask {:#x})", c.mask);
  }
  const bool none = std::all_of(out.begin(), out.end(), [](const Channel& c) { return c.mask == 0; });
  if (!none) return out;
  return bits == 16 ? std::array<Channel, 3>{{{0x7C00}, {0x3E0}, {0x1F}}}
                    : std::array<Channel, 3>{{{0xFF0000}, {0xFF00}, {0xFF}}};
}

BmpLayout read_bmp_head(const ImageFile& file) {
  constexpr std::uint32_t kFileHeader = 14, kOs2 = 12, kUsual = 40, kMasks = 3;
  constexpr std::uint32_t kHeaders[] = {kOs2, kUsual, 52, 56, 64, 108, 124};
  constexpr std::uint32_t kBits[] = {1, 2, 4, 8, 16, 24, 32};
  const auto among = [](std::span<const std::uint32_t> known, std::uint32_t value) {
    return std::find(known.begin(), known.end(), value) != known.end();
  };
  ByteReader in(file);
  BmpLayout out;
  in.skip_to(10);
  out.pixels = in.little_endian(4);
  const std::uint32_t header = in.little_endian(4);
  if (!among(kHeaders, header)) file.refuse("unsupported BMP kind (a header of {} bytes)", header);
  const bool os2 = header == kOs2;
  const auto side = [&] {
    return os2 ? std::int64_t{in.little_endian(2)} : static_cast<std::int32_t>(in.little_endian(4));
  };
  const std::int64_t width = side(), height = side();
  out.top_down = height < 0;
  out.size = file.size(out.top_down ? -height : height, width);
  in.take(2);
  out.bits = in.little_endian(2);
  if (!among(kBits, out.bits)) file.refuse("unsupported BMP kind ({} bits per pixel)", out.bits);
  const std::uint32_t compression = os2 ? 0 : in.little_endian(4);
  if (compression != 0 && (compression != kMasks || out.bits < 16 || header == 64)) {
    file.refuse("unsupported BMP kind (compression {})", compression);
  }
  std::uint32_t colours = 0;
  if (!os2) {
    in.take(12);
    colours = in.little_endian(4);
    in.take(4);
  }
  out.channels = read_masks(in, file, out.bits, compression == kMasks);
  out.stride = (static_cast<std::uint64_t>(out.size.width) * out.bits + 31) / 32 * 4;
  if (out.bits > 8) return out;

  const std::uint64_t table = kFileHeader + header, colour_bytes = os2 ? 3 : 4, most = 1u << out.bits;
  std::uint64_t count = colours == 0 ? most : std::min<std::uint64_t>(colours, most);
  if (out.pixels == table)
    out.pixels += colour_bytes * count;  // the writer forgot its table, as Pillow knows
  if (out.pixels < table) file.refuse("damaged: pixels at byte {}, inside the header", out.pixels);
  count = std::min(count, (out.pixels - table) / colour_bytes);
  in.skip_to(table);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto bgr = in.take(colour_bytes);
    out.palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
  return out;
}

// PNM

struct PnmLayout {
  ImageSize size;
  int channels = 3;
  int max_value = 255;     // the value of white
  std::size_t pixels = 0;  // bytes
};

int pnm_number(ByteReader& in, const ImageFile& file) {
  const auto blank = [](int c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (blank(in.peek()) || in.peek() == '#') {
    if (in.byte() != '#') continue;
    while (in.byte() != '\n') {
    }
  }
  int value = 0;
  const std::size_t begin = in.position();
  while (in.peek() >= '0' && in.peek() <= '9') {
    if (value > 99'999'999) file.refuse("damaged: PNM header with a number of more than 9 digits");
    value = value * 10 + (in.byte() - '0');
  }
  if (in.position() == begin || !blank(in.peek())) {
    file.refuse("damaged: PNM header, byte {}", in.position());
  }
  return value;
}

PnmLayout read_pnm_head(const ImageFile& file) {
  ByteReader in(file);
  PnmLayout out;
  in.skip_to(1);
  const char type = static_cast<char>(in.byte());
  if (type != '5' && type != '6') file.refuse("unsupported PNM kind (P{}); expected P5 or P6", type);
  out.channels = type == '6' ? 3 : 1;
  const int width = pnm_number(in, file), height = pnm_number(in, file);
  out.size = file.size(height, width);
  out.max_value = pnm_number(in, file);
  if (out.max_value < 1 || out.max_value > 65535) {
    file.refuse("damaged: PNM with white value {}; expected 1..65535", out.max_value);
  }
  out.pixels = in.position() + 1;
  return out;
}

}  // namespace

ImageHead bmp_head(const ImageFile& file) { return {read_bmp_head(file).size}; }

Image decode_bmp(const ImageFile& file, const Region&) {
  const BmpLayout layout = read_bmp_head(file);
  Image image(layout.size.height, layout.size.width);
  ByteReader in(file);
  const std::uint32_t bits = layout.bits, bytes = bits / 8;
  for (int i = 0; i < image.height; ++i) {
    in.skip_to(layout.pixels + layout.stride * static_cast<std::uint64_t>(i));
    const auto packed = in.take((static_cast<std::uint64_t>(image.width) * bits + 7) / 8);
    std::uint8_t* rgb = image.at(layout.top_down ? i : image.height - 1 - i, 0);
    for (std::size_t x = 0; x < static_cast<std::size_t>(image.width); ++x, rgb += 3) {
      if (bits <= 8) {
        const std::size_t bit = x * bits;
        const std::uint32_t index = (packed[bit / 8] >> (8 - bits - bit % 8)) & ((1u << bits) - 1);
        std::copy_n(layout.palette[index].begin(), 3, rgb);
      } else {
        std::uint32_t pixel = 0;
        for (std::size_t b = bytes; b-- > 0;) pixel = pixel << 8 | packed[x * bytes + b];
        for (std::size_t c = 0; c < 3; ++c) rgb[c] = layout.channels[c].of(pixel);
      }
    }
  }
  return image;
}

ImageHead pnm_head(const ImageFile& file) { return {read_pnm_head(file).size}; }

Image decode_pnm(const ImageFile& file, const Region&) {
  const PnmLayout layout = read_pnm_head(file);
  Image image(layout.size.height, layout.size.width);
  const bool wide = layout.max_value > 255;
  ByteReader in(file);
  in.skip_to(layout.pixels);
  const std::size_t pixels = image.pixels.size() / 3;
  const std::uint8_t* next =
      in.take(pixels * static_cast<std::size_t>(layout.channels * (wide ? 2 : 1))).data();
  const auto next_value = [&] {
    int v = *next++;
    if (wide) v = v << 8 | *next++;
    const std::int64_t clipped = std::min(v, layout.max_value);
    return static_cast<std::uint8_t>((clipped * 255 + layout.max_value / 2) / layout.max_value);
  };
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    std::uint8_t* rgb = &image.pixels[i];
    rgb[0] = rgb[1] = rgb[2] = next_value();
    if (layout.channels == 3) {
      rgb[1] = next_value();
      rgb[2] = next_value();
    }
  }
  return image;
}

}  // namespace salu
