// SPDX-License-Identifier: MIT
#include "tests/data_files.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace salu::test {
namespace {

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

void big_endian(Bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}

void little_endian(Bytes& out, std::uint32_t v, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

// Bit by bit: slow, and unlike the table under test.
std::uint32_t crc(const Bytes& bytes, std::size_t begin) {
  std::uint32_t c = 0xFFFFFFFFu;
  for (std::size_t i = begin; i < bytes.size(); ++i) {
    c ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? (c >> 1) ^ 0xEDB88320u : c >> 1;
  }
  return ~c;
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "salu-test-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("cannot create " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file(path, bytes_of(text));
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

void append_chunk(Bytes& out, const std::string& type, const Bytes& data) {
  big_endian(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  append(out, bytes_of(type));
  append(out, data);
  big_endian(out, crc(out, begin));
}

Bytes stored_zlib(const Bytes& data) {
  constexpr std::size_t kLongest = 65535;
  Bytes out = {0x78, 0x01};
  std::uint32_t a = 1, b = 0;  // Adler-32
  std::size_t begin = 0;
  do {
    const std::size_t count = std::min(kLongest, data.size() - begin);
    out.push_back(begin + count == data.size());
    little_endian(out, static_cast<std::uint32_t>(count), 2);
    little_endian(out, ~static_cast<std::uint32_t>(count), 2);
    for (std::size_t i = begin; i < begin + count; ++i) {
      out.push_back(data[i]);
      a = (a + data[i]) % 65521;
      b = (b + a) % 65521;
    }
    begin += count;
  } while (begin < data.size());
  big_endian(out, b << 16 | a);
  return out;
}

Bytes make_png(const Png& png) { return make_png(png, stored_zlib(png.lines)); }

Bytes make_png(const Png& png, const Bytes& idat) {
  Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  Bytes header;
  big_endian(header, png.width);
  big_endian(header, png.height);
  append(header, {png.depth, png.color, 0, 0, png.interlace});
  append_chunk(out, "IHDR", header);
  if (!png.palette.empty()) append_chunk(out, "PLTE", png.palette);
  append_chunk(out, "IDAT", idat);
  append_chunk(out, "IEND", {});
  return out;
}

Bytes rgb_png(int height, int width, std::uint8_t (*value)(int y, int x, int c)) {
  Png png;
  png.height = static_cast<std::uint32_t>(height);
  png.width = static_cast<std::uint32_t>(width);
  for (int y = 0; y < height; ++y) {
    png.lines.push_back(0);
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) png.lines.push_back(value(y, x, c));
    }
  }
  return make_png(png);
}

Bytes make_bmp(int height, int width, std::uint8_t (*value)(int y, int x, int c)) {
  constexpr std::uint32_t kOffset = 54, kInfoHeader = 40;
  Bytes out = {'B', 'M'};
  const auto line_bytes = static_cast<std::uint32_t>((width * 3 + 3) / 4 * 4);
  little_endian(out, kOffset + line_bytes * static_cast<std::uint32_t>(height), 4);
  little_endian(out, 0, 4);
  little_endian(out, kOffset, 4);
  little_endian(out, kInfoHeader, 4);
  little_endian(out, static_cast<std::uint32_t>(width), 4);
  little_endian(out, static_cast<std::uint32_t>(height), 4);
  little_endian(out, 1, 2);   // planes
  little_endian(out, 24, 2);  // bits
  out.resize(kOffset);
  for (int y = height - 1; y >= 0; --y) {  // from the bottom up, blue first
    for (int x = 0; x < width; ++x) {
      for (int c = 2; c >= 0; --c) out.push_back(value(y, x, c));
    }
    out.resize(out.size() + line_bytes - static_cast<std::uint32_t>(width) * 3);
  }
  return out;
}

}  // namespace salu::test
