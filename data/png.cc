// SPDX-License-Identifier: MIT
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>

#include "data/codecs.h"
#include "data/exif.h"

namespace salu {
namespace {

constexpr std::size_t kSurplus = 1 << 16;  // bytes behind the last line that are read over

/// The library allocates an eXIf chunk of the length that it claims, up to 2 GiB. A chunk must fit its file.
void check_chunks(const ImageFile& file) {
  constexpr std::size_t kSignature = 8, kFrame = 12;  // of a chunk: length, name, checksum
  for (std::size_t at = kSignature; at + kFrame <= file.bytes.size();) {
    const std::uint8_t* head = file.bytes.data() + at;
    if (std::memcmp(head + 4, "IEND", 4) == 0) return;
    const std::size_t length = png_get_uint_32(head);
    if (length > file.bytes.size() - at - kFrame) file.truncated();
    at += kFrame + length;
  }
}

/// libpng's state for a file. The library reports errors by callback; only longjmp leaves its C frames.
class PngReader {
 public:
  explicit PngReader(const ImageFile& file) : file_(file), rest_(file.bytes) {
    check_chunks(file);
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, stop, [](png_structp, png_const_charp) {});
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  ImageHead read_head() {
    guarded([&] { read_info(); });
    ImageHead head{file_.size(png_get_image_height(png_, info_), png_get_image_width(png_, info_))};
    png_uint_32 bytes = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &bytes, &exif)) head.orientation = exif_orientation({exif, bytes});
    return head;
  }

  /// After read_head().
  Image read_image(const ImageSize& size) {
    Image image(size.height, size.width);
    guarded([&] { read_pixels(image); });
    return image;
  }

 private:
  // Calls the library. No object with a destructor may be created in `step`: longjmp would skip it.
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(png_jmpbuf(png_)) == 0) return step();
    if (truncated_) file_.truncated();
    file_.refuse("damaged: {}", text_.data());
  }

  [[noreturn]] static void stop(png_structp png, png_const_charp text) {
    auto& self = *static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(self.text_.data(), text, self.text_.size() - 1);
    png_longjmp(png, 1);
  }

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
    self.truncated_ = count > self.rest_.size();
    if (self.truncated_) png_longjmp(png, 1);
    if (count > self.room_) png_error(png, "far more pixels than its header calls for");
    self.room_ -= count;
    std::copy_n(self.rest_.data(), count, to);
    self.rest_ = self.rest_.subspan(count);
  }

  void read_info() {
    png_set_read_fn(png_, this, read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // ImageFile::size() has the limit
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    // Some writers declare a smaller window than they use. Pillow takes the largest, too.
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    // Profiles and texts are not even unpacked.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    constexpr png_byte kExif[] = "eXIf";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, kExif, 1);
    png_read_info(png_, info_);
  }

  // The library makes a table of 256 colours and black of those that the file lacks.
  void read_pixels(Image& image) {
    png_set_strip_16(png_);  // the upper byte
    if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != std::size_t{3} * static_cast<std::size_t>(image.width)) {
      png_error(png_, "its pixels do not become RGB");
    }
    for (int pass = 0; pass < passes; ++pass) {
      for (int y = 0; y < image.height; ++y) {
        // Behind the last line the library unpacks what is left, which may be gigabytes of zeros.
        const bool last = pass == passes - 1 && y == image.height - 1;
        if (last) room_ = std::size_t{16} * static_cast<std::size_t>(image.width) + kSurplus;
        png_read_row(png_, image.at(y, 0), nullptr);
      }
    }
    room_ = file_.bytes.size();
    png_read_end(png_, nullptr);
  }

  const ImageFile& file_;
  std::span<const std::uint8_t> rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  bool truncated_ = false;
  std::size_t room_ = file_.bytes.size();  // bytes that may be read
  std::array<char, 200> text_{};
};

}  // namespace

ImageHead png_head(const ImageFile& file) {
  constexpr std::string_view kApple = "CgBI";
  constexpr std::size_t kFirstChunk = 12;
  const std::span<const std::uint8_t> rest = file.bytes.subspan(std::min(file.bytes.size(), kFirstChunk));
  if (rest.size() >= kApple.size() && std::equal(kApple.begin(), kApple.end(), rest.begin())) {
    file.refuse("unsupported PNG kind (CgBI, for Apple's phones)");
  }
  return PngReader(file).read_head();
}

Image decode_png(const ImageFile& file, const Region&) {
  PngReader reader(file);
  return reader.read_image(reader.read_head().size);
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  png_image head{};
  head.version = PNG_IMAGE_VERSION;
  head.width = static_cast<png_uint_32>(image.width);
  head.height = static_cast<png_uint_32>(image.height);
  head.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(head);
  std::vector<std::uint8_t> out(bytes);
  const int done = png_image_write_to_memory(&head, out.data(), &bytes, 0, image.pixels.data(), 0, nullptr);
  check(done != 0, "[encode_png] expected an image, got {} x {}: {}", image.height, image.width,
        static_cast<const char*>(head.message));
  out.resize(bytes);
  return out;
}

}  // namespace salu
