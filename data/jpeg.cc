// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "data/codecs.h"
#include "data/exif.h"

// After <cstdio>, whose types the headers need.
#include <jerror.h>
#include <jpeglib.h>

namespace salu {
namespace {

constexpr int kMaxScans = 100;  // each scan of a progressive JPEG costs a pass over the image

/// libjpeg reports errors by callback; only longjmp leaves its C frames.
struct Trouble {
  jpeg_error_mgr manager;  // first member: the library knows only this part
  std::jmp_buf leave;
  std::array<char, JMSG_LENGTH_MAX + 40> text;
};

// No object with a destructor may be alive here: longjmp would skip it.
template <class... Args>
[[noreturn]] void leave(j_common_ptr info, fmt::format_string<Args...> format, Args&&... args) {
  auto* trouble = reinterpret_cast<Trouble*>(info->err);
  const auto end =
      fmt::format_to_n(trouble->text.data(), trouble->text.size() - 1, format, std::forward<Args>(args)...);
  *end.out = '\0';
  std::longjmp(trouble->leave, 1);
}

bool is_unsupported(int code) {
  constexpr int kCodes[] = {
      JERR_ARITH_NOTIMPL,      JERR_BAD_PRECISION,  JERR_CCIR601_NOTIMPL,      JERR_COMPONENT_COUNT,
      JERR_CONVERSION_NOTIMPL, JERR_EMPTY_IMAGE,    JERR_FRACT_SAMPLE_NOTIMPL, JERR_NOTIMPL,
      JERR_NOT_COMPILED,       JERR_SOF_UNSUPPORTED};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

[[noreturn]] void stop(j_common_ptr info) {
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  if (is_unsupported(info->err->msg_code)) leave(info, "unsupported JPEG kind ({})", text);
  leave(info, "damaged: {}", text);
}

// Negative levels are warnings. The image is damaged, and the library would guess the rest, except for four:
// an odd version, odd parameters that do not matter, and stray bytes before a marker.
void note(j_common_ptr info, int level) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    leave(info, "more than {} scans", kMaxScans);
  }
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
      return;
    default:
      stop(info);
  }
}

/// Owns the library's memory, also when the constructor of a Decoder throws.
struct Library {
  Library() = default;
  ~Library() { jpeg_destroy_decompress(&info); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  jpeg_decompress_struct info{};
};

/// longjmp lands in the frame that holds it, so its destructor runs.
class Decoder : public Library {
 public:
  explicit Decoder(const ImageFile& file) : file_(file) {
    info.err = jpeg_std_error(&trouble_.manager);
    trouble_.manager.error_exit = stop;
    trouble_.manager.emit_message = note;
    guarded([&] {
      jpeg_create_decompress(&info);
      jpeg_mem_src(&info, file.bytes.data(), file.bytes.size());
      jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
      jpeg_read_header(&info, TRUE);
    });
    constexpr int kColours[] = {1, 3, 4};
    if (std::find(std::begin(kColours), std::end(kColours), info.num_components) == std::end(kColours)) {
      file.refuse("unsupported JPEG kind ({} components)", info.num_components);
    }
  }

  /// Calls the library. No object with a destructor may be created in `step`: longjmp would skip it.
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(trouble_.leave) == 0) return step();
    if (trouble_.manager.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (trouble_.manager.msg_code == JWRN_JPEG_EOF) file_.truncated();
    file_.refuse("{}", trouble_.text.data());
  }

 private:
  const ImageFile& file_;
  Trouble trouble_{};
};

// Adobe's programs store inverted ink. Their convention is assumed without their marker, too, as in Pillow.
void ink_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>((cmyk[c] * cmyk[3] + 127) / 255);
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

// A progressive file whose last scans are missing is smoothed across blocks, which reaches far out of a part.
bool is_smoothed(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode) return false;
  for (int c = 0; c < info.num_components; ++c) {
    const int* bits = info.coef_bits[c];  // unknown bits of each coefficient; -1: all
    if (std::any_of(bits + 1, bits + DCTSIZE2, [](int unknown) { return unknown != 0; })) return true;
  }
  return false;
}

void check_components(jpeg_decompress_struct& info) {
  for (int c = 0; c < info.num_components; ++c) {
    const bool known = !info.progressive_mode || info.coef_bits[c][0] >= 0;
    if (info.comp_info[c].quant_table && known) continue;
    leave(reinterpret_cast<j_common_ptr>(&info), "damaged: a colour component without a scan");
  }
}

// No object with a destructor may be created here: longjmp would skip it.
void read_region(jpeg_decompress_struct& info, const Region& region, JSAMPROW line, Image& image) {
  const bool ink = info.num_components == 4;
  info.out_color_space = ink ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
  check_components(info);
  const bool all = is_smoothed(info);
  const auto pass_over = [&](int count) {
    if (!all && count > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(count));
    for (int y = 0; all && y < count; ++y) jpeg_read_scanlines(&info, &line, 1);
  };
  Columns columns = {0, info.output_width};
  if (!all) {
    columns = columns_for(info, region);
    jpeg_crop_scanline(&info, &columns.first, &columns.count);  // moves the left end to a block boundary
  }
  pass_over(region.top);
  const std::size_t skipped = static_cast<std::size_t>(region.left) - columns.first;
  for (int y = 0; y < region.height; ++y) {
    jpeg_read_scanlines(&info, &line, 1);
    const std::uint8_t* from = line + skipped * (ink ? 4 : 3);
    if (ink) {
      ink_to_rgb(from, image.at(y, 0), region.width);
    } else {
      std::copy_n(from, region.width * 3, image.at(y, 0));
    }
  }
  // Reads the lines below the region, too: whether an image is damaged must not depend on the region. The
  // last line is read, not skipped, because the library does not decode lines that are skipped up to the end.
  const int below = static_cast<int>(info.output_height - info.output_scanline);
  pass_over(below - 1);
  if (below > 0) jpeg_read_scanlines(&info, &line, 1);
  jpeg_finish_decompress(&info);
}

}  // namespace

std::string jpeg_decoder() {
  constexpr int kVersion = LIBJPEG_TURBO_VERSION_NUMBER;
  return fmt::format("libjpeg-turbo {}.{}.{}", kVersion / 1'000'000, kVersion / 1000 % 1000, kVersion % 1000);
}

ImageHead jpeg_head(const ImageFile& file) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  const Decoder decoder(file);
  ImageHead head{file.size(decoder.info.image_height, decoder.info.image_width)};
  for (const auto* marker = decoder.info.marker_list; marker; marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    if (data.size() < kExif.size() || std::memcmp(data.data(), kExif.data(), kExif.size()) != 0) continue;
    head.orientation = exif_orientation(data.subspan(kExif.size()));
    break;
  }
  return head;
}

Image decode_jpeg(const ImageFile& file, const Region& region) {
  Decoder decoder(file);
  std::vector<std::uint8_t> line(std::size_t{4} * decoder.info.image_width);
  Image image(region.height, region.width);
  decoder.guarded([&] { read_region(decoder.info, region, line.data(), image); });
  return image;
}

}  // namespace salu
