// SPDX-License-Identifier: MIT
#include <csetjmp>
#include <cstdio>

// clang-format off: this header needs the one above and does not include it
#include <jpeglib.h>
// clang-format on

#include "data/jpeg.h"

namespace salu {
namespace {

struct Trouble : jpeg_error_mgr {
  std::jmp_buf place;
};

/// libjpeg is C: no exception may cross it.
[[noreturn]] void give_up(j_common_ptr info) { std::longjmp(static_cast<Trouble*>(info->err)->place, 1); }

void on_message(j_common_ptr info, int level) {
  if (level < 0) give_up(info);  // a warning: the data is damaged
}

/// Between setjmp and the end nothing needs a destructor.
bool decode_into(jpeg_decompress_struct& info, std::span<const std::uint8_t> bytes, Image& image) {
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  if (info.num_components != 1 && info.num_components != 3) return false;
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  image = Image(static_cast<int>(info.output_height), static_cast<int>(info.output_width));
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.at(static_cast<int>(info.output_scanline), 0);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

}  // namespace

bool decode_jpeg(std::span<const std::uint8_t> bytes, Image& image) {
  Trouble trouble;
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&trouble);
  trouble.error_exit = give_up;
  trouble.emit_message = on_message;
  jpeg_create_decompress(&info);
  if (setjmp(trouble.place) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  const bool good = decode_into(info, bytes, image);
  jpeg_destroy_decompress(&info);
  return good;
}

}  // namespace salu
