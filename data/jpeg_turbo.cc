// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

#include "core/error.h"
#include "data/codecs.h"

// After <cstdio>, whose types the header needs.
#include <jpeglib.h>

namespace salu::jpeg {
namespace {

/// libjpeg reports errors by callback; only longjmp leaves its C frames.
struct Trouble {
  jpeg_error_mgr manager;  // first member: the library knows only this part
  std::jmp_buf leave;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void stop(j_common_ptr info) {
  auto* trouble = reinterpret_cast<Trouble*>(info->err);
  info->err->format_message(info, trouble->text);
  std::longjmp(trouble->leave, 1);
}

// Negative levels are warnings: the image is damaged, and the library would guess the rest.
void note(j_common_ptr info, int level) {
  if (level < 0) stop(info);
}

/// Owns the library's memory. longjmp lands in the frame that holds it, so its destructor runs.
class Decoder {
 public:
  Decoder() {
    info.err = jpeg_std_error(&trouble.manager);
    trouble.manager.error_exit = stop;
    trouble.manager.emit_message = note;
  }
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  jpeg_decompress_struct info{};
  Trouble trouble{};
  std::vector<std::uint8_t> line;
};

// Adobe's programs store inverted ink, and mark that in a marker segment.
void ink_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width, bool inverted) {
  const int flip = inverted ? 0 : 255;
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(((cmyk[c] ^ flip) * (cmyk[3] ^ flip) + 127) / 255);
    }
  }
}

/// The columns of a region and its neighbours, because chroma is smoothed across columns. The library adds
/// the neighbouring lines itself.
struct Columns {
  JDIMENSION first, count;
};

Columns columns_for(const jpeg_decompress_struct& info, const Region& region) {
  const int block = info.max_h_samp_factor * DCTSIZE;
  const int left = std::max(region.left - block, 0);
  const int right = std::min(region.left + region.width + block, static_cast<int>(info.output_width));
  return {static_cast<JDIMENSION>(left), static_cast<JDIMENSION>(right - left)};
}

// No object with a destructor may be created here: longjmp would skip it.
const char* read_region(Decoder& d, std::span<const std::uint8_t> bytes, const Region& region,
                        const ImageSize& whole, Image& image) {
  jpeg_decompress_struct& info = d.info;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  if (info.image_width != static_cast<JDIMENSION>(whole.width) ||
      info.image_height != static_cast<JDIMENSION>(whole.height)) {
    return "two headers with different sizes";
  }
  const bool ink = info.num_components == 4;
  info.out_color_space = ink ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
  Columns columns = columns_for(info, region);
  jpeg_crop_scanline(&info, &columns.first, &columns.count);  // moves the left end to a block boundary
  if (region.top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(region.top));
  JSAMPROW line = d.line.data();
  const std::size_t skipped = static_cast<std::size_t>(region.left) - columns.first;
  for (int y = 0; y < region.height; ++y) {
    jpeg_read_scanlines(&info, &line, 1);
    const std::uint8_t* from = line + skipped * (ink ? 4 : 3);
    if (ink) {
      ink_to_rgb(from, image.at(y, 0), region.width, info.saw_Adobe_marker);
    } else {
      std::copy_n(from, region.width * 3, image.at(y, 0));
    }
  }
  // Reads the lines below the region, too: whether an image is damaged must not depend on the region. The
  // last line is read, not skipped, because the library does not decode lines that are skipped up to the end.
  const int below = whole.height - region.top - region.height;
  if (below > 1) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(below - 1));
  if (below > 0) jpeg_read_scanlines(&info, &line, 1);
  return "";
}

}  // namespace

std::string decoder() {
  constexpr int kVersion = LIBJPEG_TURBO_VERSION_NUMBER;
  return fmt::format("libjpeg-turbo {}.{}.{}", kVersion / 1'000'000, kVersion / 1000 % 1000, kVersion % 1000);
}

std::string decode(std::span<const std::uint8_t> bytes, const Region& region, const ImageSize& whole,
                   Image& image) {
  Decoder d;
  d.line.resize(static_cast<std::size_t>(whole.width) * 4);
  image = Image(region.height, region.width);
  if (setjmp(d.trouble.leave)) return d.trouble.text;
  return read_region(d, bytes, region, whole, image);
}

}  // namespace salu::jpeg
