// SPDX-License-Identifier: MIT
/// Files for the tests of data/: a folder that goes away, and writers of tiny images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace salu::test {

using Bytes = std::vector<std::uint8_t>;

/// A new folder, removed with its content at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Makes the parent folders as well.
void write_file(const std::filesystem::path& path, const Bytes& bytes);
void write_text(const std::filesystem::path& path, const std::string& text);

struct Png {
  std::uint32_t width = 1, height = 1;
  std::uint8_t depth = 8, color = 2, interlace = 0;  ///< color: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha
  Bytes palette;                                     ///< content of PLTE
  Bytes lines;                                       ///< per line: filter byte, packed values
};

/// A PNG whose data are stored, not compressed.
Bytes make_png(const Png& png);
/// The same with any zlib stream as IDAT.
Bytes make_png(const Png& png, const Bytes& idat);
/// One chunk: length, type, data, CRC-32.
void append_chunk(Bytes& out, const std::string& type, const Bytes& data);
/// A zlib stream of stored blocks.
Bytes stored_zlib(const Bytes& data);

/// RGB PNG with pixel values (y, x, c) -> value.
Bytes rgb_png(int height, int width, std::uint8_t (*value)(int y, int x, int c));

/// Top to bottom lines in, an uncompressed 24-bit BMP out.
Bytes make_bmp(int height, int width, std::uint8_t (*value)(int y, int x, int c));

Bytes bytes_of(const std::string& text);

}  // namespace salu::test
