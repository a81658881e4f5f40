// SPDX-License-Identifier: MIT
/// Pictures per second that one core prepares for a network of 224 x 224, from large JPEG files and from a
/// pack of them.
///   build/bench/bench_data DIR PACK REPEATS
/// DIR holds class folders of pictures, PACK was made from them. Every way prepares the same crops: a random
/// part of each picture (8 % to all of its area), resized by the bicubic filter. The files are read into
/// memory first; the pack is in the page cache after the first round.
#include <cmath>

#include "bench/timing.h"
#include "core/error.h"
#include "core/rng.h"
#include "data/decode.h"
#include "data/folder.h"
#include "data/image_check.h"
#include "data/packed.h"
#include "data/resize.h"
#include "data/stb.h"

namespace salu::bench {
namespace {

constexpr int kSide = 224;

Region random_region(const ImageSize& size, std::uint32_t index) {
  Rng rng({1, Purpose::test, 0, index});
  const double side = std::sqrt(rng.uniform(0.08, 1.0));
  const auto part = [&](int whole) { return std::max(1, static_cast<int>(side * whole)); };
  const int height = part(size.height), width = part(size.width);
  const auto place = [&](int room) {
    return static_cast<int>(rng.below(static_cast<std::uint32_t>(room) + 1));
  };
  const int top = place(size.height - height);
  return {top, place(size.width - width), height, width};
}

Image prepared(const Image& part) { return resize(part, kSide, kSide, Interpolation::bicubic); }

Image prepared(const Image& image, std::uint32_t index) {
  const Region r = random_region(image.size(), index);
  return prepared(crop(image, r.top, r.left, r.height, r.width));
}

int run(const std::string& dir, const std::string& pack_path, int repeats) {
  const FolderDataset set("bench", dir, 0);
  const Pack pack(pack_path);
  std::vector<std::vector<std::uint8_t>> files;
  std::vector<ImageSize> sizes;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    files.push_back(read_regular_file(set.path(i), DecodeLimits{}.max_bytes));
    sizes.push_back(image_size(files.back(), ""));
  }
  std::uint64_t sum = 0;  // keeps the work from being left out
  const auto each = [&](auto prepare) {
    return [&, prepare] {
      for (std::size_t i = 0; i < files.size(); ++i) {
        sum += prepare(i, static_cast<std::uint32_t>(i)).pixels[0];
      }
    };
  };
  std::vector<Timed> ways;
  ways.push_back({"stb_image, whole picture", each([&](std::size_t i, std::uint32_t n) {
                    check_image(files[i], "", {});
                    Image image;
                    stb::decode(files[i], image);
                    return prepared(image, n);
                  })});
  ways.push_back({jpeg_decoder() + ", whole picture", each([&](std::size_t i, std::uint32_t n) {
                    return prepared(decode_image(files[i], ""), n);
                  })});
  ways.push_back({jpeg_decoder() + ", the part only", each([&](std::size_t i, std::uint32_t n) {
                    return prepared(decode_region(files[i], "", random_region(sizes[i], n)));
                  })});
  ways.push_back({"pack", each([&](std::size_t i, std::uint32_t n) {
                    return prepared(pack.image(static_cast<std::int64_t>(i)), n);
                  })});
  ways.push_back({"check of the container alone", each([&](std::size_t i, std::uint32_t) {
                    check_image(files[i], "", {});
                    return Image(1, 1);
                  })});
  time_interleaved(ways, repeats);
  fmt::print("{} pictures, {} repeats, one thread\n", files.size(), repeats);
  for (const Timed& way : ways) {
    const auto rate = [&](double q) { return static_cast<double>(files.size()) / way.quantile(q); };
    fmt::print("{:<44} {:>8.0f} img/s ({:.0f}..{:.0f})\n", way.name, rate(0.5), rate(0.9), rate(0.1));
  }
  return sum == 0 ? 1 : 0;
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "bench_data DIR PACK REPEATS\n");
    return 2;
  }
  return salu::bench::run(argv[1], argv[2], std::atoi(argv[3]));
}
