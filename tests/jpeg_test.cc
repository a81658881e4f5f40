// SPDX-License-Identifier: MIT
/// JPEG: parts are equal to the whole for every way of storing colour, and what is odd but sound is read.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
// After <cstdio>: the header needs its types.
#include <jpeglib.h>

#include "core/rng.h"
#include "data/decode.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/data_files.h"

namespace salu::test {
namespace {

struct Kind {
  const char* name;
  J_COLOR_SPACE stored = JCS_YCbCr;
  int h = 1, v = 1;  ///< luma samples per chroma sample
  bool progressive = false;
  int restart_rows = 0;
  bool adobe = true;  ///< the marker that says that ink is stored inverted
};

const Kind kKinds[] = {{"4:4:4"},
                       {"4:2:2", JCS_YCbCr, 2, 1},
                       {"4:4:0", JCS_YCbCr, 1, 2},
                       {"4:2:0", JCS_YCbCr, 2, 2},
                       {"4:1:1", JCS_YCbCr, 4, 1},
                       {"4:2:0 progressive", JCS_YCbCr, 2, 2, true},
                       {"4:2:2 with restarts", JCS_YCbCr, 2, 1, false, 1},
                       {"4:2:0 with restarts", JCS_YCbCr, 2, 2, false, 2},
                       {"RGB", JCS_RGB},
                       {"grey", JCS_GRAYSCALE},
                       {"CMYK", JCS_CMYK},
                       {"CMYK, not inverted", JCS_CMYK, 1, 1, false, 0, false},
                       {"YCCK", JCS_YCCK, 2, 2}};

/// Waves with an edge and noise: neighbours differ, and blocks do.
int value(int y, int x, int c) {
  const double wave = std::sin(0.23 * x + c) * std::cos(0.31 * y - c);
  const bool edge = (x * 3 + y * 2) % 61 < 20;
  return static_cast<int>(128 + 80 * wave + (edge ? 40 : -40) * (c == 1 ? -1 : 1)) + (x * 7 + y * 13) % 8;
}

Bytes encode(const Kind& kind, int height, int width, const std::vector<jpeg_scan_info>& script = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  const bool ink = kind.stored == JCS_CMYK || kind.stored == JCS_YCCK;
  info.input_components = ink ? 4 : 3;
  info.in_color_space = ink ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.stored);
  jpeg_set_quality(&info, 85, TRUE);
  info.comp_info[0].h_samp_factor = kind.h;
  info.comp_info[0].v_samp_factor = kind.v;
  if (kind.stored == JCS_YCCK) {
    info.comp_info[3].h_samp_factor = kind.h;
    info.comp_info[3].v_samp_factor = kind.v;
  }
  if (kind.progressive) jpeg_simple_progression(&info);
  if (!script.empty()) {
    info.scan_info = script.data();
    info.num_scans = static_cast<int>(script.size());
  }
  info.restart_in_rows = kind.restart_rows;
  info.write_Adobe_marker = ink && kind.adobe;
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> line(static_cast<std::size_t>(width * info.input_components));
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * info.input_components; ++i) {
      const int v = value(y, i / info.input_components, i % info.input_components);
      line[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(v, 0, 255));
    }
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes out(buffer, buffer + size);
  std::free(buffer);
  return out;
}

TEST_CASE("a decoded part is equal to the same part of the whole image") {
  Rng rng({7, Purpose::test, 0, 0});
  const auto draw = [&](int n) { return static_cast<int>(rng.below(static_cast<std::uint32_t>(n))); };
  for (const Kind& kind : kKinds) {
    for (const auto& [height, width] : {std::pair{67, 131}, {64, 96}, {17, 200}, {150, 9}, {1, 1}}) {
      const Bytes file = encode(kind, height, width);
      const Image whole = decode_image(file, "x.jpg");
      REQUIRE(whole.size() == ImageSize{height, width});
      for (int i = 0; i < 150; ++i) {
        const int top = draw(height), left = draw(width);
        const Region part = {top, left, 1 + draw(height - top), 1 + draw(width - left)};
        INFO(kind.name << ", " << height << " x " << width << ": " << part.height << " x " << part.width
                       << " at " << part.top << ", " << part.left);
        REQUIRE(decode_region(file, "x.jpg", part) == crop(whole, top, left, part.height, part.width));
      }
    }
  }
}

TEST_CASE("ink is taken as inverted with Adobe's marker and without") {
  CHECK(jpeg_decoder().starts_with("libjpeg-turbo "));
  Kind kind = {"CMYK", JCS_CMYK};
  const Image marked = decode_image(encode(kind, 8, 8), "x.jpg");
  kind.adobe = false;
  CHECK(decode_image(encode(kind, 8, 8), "x.jpg") == marked);
  double sum = 0;  // the file stores v of each ink: red is v0 v3 / 255
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const double v0 = std::clamp(value(y, x, 0), 0, 255), v3 = std::clamp(value(y, x, 3), 0, 255);
      sum += std::abs(marked.at(y, x)[0] - v0 * v3 / 255);
    }
  }
  CHECK(sum / 64 < 8);  // quality 85 on noisy blocks
}

/// The position of a marker.
std::ptrdiff_t find(const Bytes& file, std::uint8_t marker, std::ptrdiff_t from = 2) {
  const Bytes bytes = {0xFF, marker};
  return std::search(file.begin() + from, file.end(), bytes.begin(), bytes.end()) - file.begin();
}

TEST_CASE("a progressive JPEG whose last scans are missing: a part is still the part of the whole") {
  Rng rng({8, Purpose::test, 0, 0});
  const auto draw = [&](int n) { return static_cast<int>(rng.below(static_cast<std::uint32_t>(n))); };
  for (const Kind& kind : kKinds) {
    if (!kind.progressive) continue;
    const Bytes file = encode(kind, 67, 131);
    std::vector<std::ptrdiff_t> scans;
    for (auto at = find(file, 0xDA); at < std::ssize(file); at = find(file, 0xDA, at + 2))
      scans.push_back(at);
    REQUIRE(scans.size() > 4);
    for (std::size_t kept = 1; kept < scans.size(); ++kept) {
      // Up to the tables of the first missing scan.
      Bytes cut(file.begin(), file.begin() + scans[kept]);
      cut.insert(cut.end(), {0xFF, 0xD9});
      const Image whole = decode_image(cut, "x.jpg");
      for (int i = 0; i < 40; ++i) {
        const int top = draw(67), left = draw(131);
        const Region part = {top, left, 1 + draw(67 - top), 1 + draw(131 - left)};
        INFO(kind.name << ", " << kept << " scans, " << part.height << " x " << part.width << " at " << top
                       << ", " << left);
        REQUIRE(decode_region(cut, "x.jpg", part) == crop(whole, top, left, part.height, part.width));
      }
    }
  }
}

TEST_CASE("odd versions, parameters and stray bytes change no pixel") {
  for (const Kind& kind : {Kind{"4:2:0", JCS_YCbCr, 2, 2}, Kind{"restarts", JCS_YCbCr, 2, 1, false, 1}}) {
    const Bytes good = encode(kind, 40, 50);
    const Image right = decode_image(good, "x.jpg");
    const auto reads = [&](const Bytes& file) { return decode_image(file, "x.jpg") == right; };
    Bytes file = good;
    REQUIRE(file[3] == 0xE0);  // JFIF: FF E0, length, "JFIF\0", version
    file[11] = file[12] = 0;
    CHECK(reads(file));
    file[11] = 7;
    CHECK(reads(file));
    for (const auto& [begin, end, bits] : {std::array<std::uint8_t, 3>{0, 0, 0}, {3, 60, 0}, {0, 63, 0x12}}) {
      file = good;  // the scan's last three bytes, which only progressive files use
      const auto scan = find(file, 0xDA) + 2 + good[static_cast<std::size_t>(find(file, 0xDA)) + 3];
      std::ranges::copy(Bytes{begin, end, bits}, file.begin() + scan - 3);
      CHECK(reads(file));
    }
    for (const std::uint8_t transform : Bytes{1, 2, 7, 255}) {
      file = good;
      const Bytes adobe = {0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform};
      file.insert(file.begin() + 2, adobe.begin(), adobe.end());
      CHECK(reads(file));
    }
    for (const std::uint8_t marker : Bytes{0xDB, 0xC0, 0xC4, 0xDA, 0xD9, 0xD0}) {
      file = good;
      const auto at = find(file, marker);
      if (at == std::ssize(file)) continue;  // no restarts
      const Bytes stray = {0, 1, 2, 0, 77};
      file.insert(file.begin() + at, stray.begin(), stray.end());
      INFO("before marker " << int{marker});
      CHECK(reads(file));
    }
  }
}

TEST_CASE("a warning about damage is an error") {
  Bytes file = encode({"4:2:0 with restarts", JCS_YCbCr, 2, 2, false, 1}, 64, 64);
  const Bytes restart = {0xFF, 0xD1};
  const auto marker = std::search(file.begin(), file.end(), restart.begin(), restart.end());
  REQUIRE(marker != file.end());
  marker[1] = 0xD5;  // out of turn: the decoder warns and continues
  CHECK(contains(error_of([&] { decode_image(file, "x.jpg"); }), "3: x.jpg: damaged: "));
}

TEST_CASE("a file of more than a hundred scans is refused: each costs a pass over the image") {
  std::vector<jpeg_scan_info> script = {{3, {0, 1, 2}, 0, 0, 0, 0}};
  const auto file = [&] { return encode({"4:4:4"}, 16, 16, script); };
  for (int scan = 1; scan < 100; ++scan) {
    const int k = 1 + (scan - 1) % 63;  // a coefficient of one component
    script.push_back({1, {(scan - 1) / 63}, k, k, 0, 0});
  }
  CHECK(error_of([&] { decode_image(file(), "x.jpg"); }) == "no error");
  script.push_back({1, {2}, 1, 1, 0, 0});
  CHECK(error_of([&] { decode_image(file(), "x.jpg"); }) == "3: x.jpg: more than 100 scans");
}

TEST_CASE("damage below and beside a region is found as well") {
  for (const Kind& kind : kKinds) {
    const Bytes good = encode(kind, 120, 96);
    Bytes bad = good;
    // Ones and a byte that is no marker: no code has only ones, wherever the decoder stands.
    for (std::size_t i = bad.size() - 42; i < bad.size() - 2; ++i) bad[i] = i % 2 ? 0 : 0xFF;
    INFO(kind.name);
    CHECK(contains(error_of([&] { decode_image(bad, "x.jpg"); }), "3: x.jpg: damaged: "));
    for (const Region& part :
         {Region{0, 0, 1, 1}, Region{3, 90, 20, 5}, Region{0, 0, 104, 96}, Region{117, 0, 2, 2}}) {
      CHECK(error_of([&] { decode_region(good, "x.jpg", part); }) == "no error");
      CHECK(error_of([&] { decode_region(bad, "x.jpg", part); }) ==
            error_of([&] { decode_image(bad, "x.jpg"); }));
    }
  }
}

}  // namespace
}  // namespace salu::test
