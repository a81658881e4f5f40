// SPDX-License-Identifier: MIT
#include "data/codecs.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/error.h"

// Zeroed memory: a damaged JPEG with missing blocks decodes to the same image in every run.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(pointer, size) std::realloc(pointer, size)
#define STBI_FREE(pointer) std::free(pointer)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace salu::stb {

std::string decode(std::span<const std::uint8_t> bytes, Image& image) {
  stbi__g_failure_reason = "no valid image";  // not every failure sets it
  int width = 0, height = 0, channels = 0;
  constexpr int kRgb = 3;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &channels, kRgb),
      stbi_image_free);
  if (!pixels) return stbi_failure_reason();
  image = Image(height, width);
  std::copy_n(pixels.get(), image.pixels.size(), image.pixels.data());
  return "";
}

std::int64_t inflate(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
  stbi__g_failure_reason = "";
  const int got =
      stbi_zlib_decode_buffer(reinterpret_cast<char*>(out.data()), static_cast<int>(out.size()),
                              reinterpret_cast<const char*>(in.data()), static_cast<int>(in.size()));
  const bool full = got < 0 && std::strcmp(stbi_failure_reason(), "output buffer limit") == 0;
  return full ? static_cast<std::int64_t>(out.size()) + 1 : got;
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  std::vector<std::uint8_t> out;
  const auto append = [](void* context, void* data, int size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    static_cast<std::vector<std::uint8_t>*>(context)->insert(
        static_cast<std::vector<std::uint8_t>*>(context)->end(), bytes, bytes + size);
  };
  constexpr int kRgb = 3;
  const int done = stbi_write_png_to_func(append, &out, image.width, image.height, kRgb, image.pixels.data(),
                                          kRgb * image.width);
  check(done != 0, "[encode_png] expected an image, got {} x {}", image.height, image.width);
  return out;
}

}  // namespace salu::stb
