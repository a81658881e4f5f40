// SPDX-License-Identifier: MIT
/// Verification: each fault is planted once and found once.
#include "data/verify.h"

#include <algorithm>

#include "core/parallel.h"
#include "data/folder.h"
#include "data/open_dataset.h"
#include "data/pack.h"
#include "tests/catch.h"
#include "tests/jpeg_samples.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

// An image like no other of another number.
Bytes image(int number) {
  Png png;
  png.lines = {0, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 9};
  return make_png(png);
}

void write_good(const fs::path& dir) {
  int number = 0;
  for (const char* place : {"train/a/1.png", "train/a/2.png", "train/b/1.png", "train/b/2.png", "val/a/1.png",
                            "val/b/1.png", "val/b/2.png"}) {
    write_file(dir / place, image(++number));
  }
}

using Pairs = std::vector<std::pair<Problem, std::string>>;

// The findings, with the folder's own path taken out.
Pairs findings(const fs::path& dir, DataOptions options = {}) {
  Pairs out;
  options.data_dir = dir;
  for (const Finding& finding : verify_data(options).findings) {
    std::string text = finding.text;
    const std::string prefix = dir.string() + "/";
    for (std::size_t at; (at = text.find(prefix)) != text.npos;) text.erase(at, prefix.size());
    out.emplace_back(finding.problem, text);
  }
  return out;
}

TEST_CASE("a data set without a fault has no findings, and is counted") {
  const TempFolder dir;
  write_good(dir.path());
  CHECK(findings(dir.path()).empty());
  std::int64_t last = 0;
  const Verification result = verify_data({.data_dir = dir.path()}, [&](std::int64_t done, std::int64_t all) {
    CHECK(all == 7);
    last = done;
  });
  CHECK(last == 7);
  CHECK(result.train == 4);
  CHECK(result.eval == 3);
  CHECK(result.classes == 2);
}

TEST_CASE("unreadable images are named with their reason") {
  const TempFolder dir;
  write_good(dir.path());
  put(dir / "train/a/page.jpg", "<html>");
  write_file(dir / "val/b/cut.jpg", Bytes(jpeg::kBaseline.begin(), jpeg::kBaseline.end() - 9));
  Bytes flipped = image(99);
  flipped[45] ^= 1;
  write_file(dir / "train/b/flipped.png", flipped);
  CHECK(findings(dir.path()) ==
        Pairs{{Problem::unreadable,
               "train/a/page.jpg: is an HTML page, perhaps of a failed download; "
               "expected a JPEG, PNG, BMP or PNM"},
              {Problem::unreadable, "train/b/flipped.png: damaged: IDAT: invalid stored block lengths"},
              {Problem::unreadable, "val/b/cut.jpg: truncated at byte 310"}});
}

TEST_CASE("equal content is found within a class, across classes and across splits") {
  const TempFolder dir;
  write_good(dir.path());
  write_file(dir / "train/a/3.png", image(1));
  write_file(dir / "train/a/4.png", image(1));
  write_file(dir / "train/b/3.png", image(2));
  write_file(dir / "val/b/3.png", image(4));
  CHECK(findings(dir.path()) == Pairs{{Problem::contradiction, "train/a/2.png = train/b/3.png"},
                                      {Problem::overlap, "train/b/2.png = val/b/3.png"},
                                      {Problem::duplicate, "train/a/1.png = train/a/3.png"},
                                      {Problem::duplicate, "train/a/1.png = train/a/4.png"}});
}

TEST_CASE("classes that are empty or in one split only") {
  const TempFolder dir;
  write_good(dir.path());
  fs::create_directory(dir / "train/c");
  write_file(dir / "val/d/1.png", image(50));
  CHECK(findings(dir.path()) == Pairs{{Problem::classes, "train: class c is empty"},
                                      {Problem::classes, "class c is in train only"},
                                      {Problem::classes, "class d is in val only"}});
  fs::remove_all(dir / "train/b");
  fs::remove_all(dir / "train/c");
  fs::remove_all(dir / "val");
  CHECK(findings(dir.path()) == Pairs{{Problem::classes, "train: 1 class; expected at least 2"}});
}

TEST_CASE("the order of classes that only one split has does not make images equal or different") {
  const TempFolder dir;
  write_file(dir / "train/b/1.png", image(1));
  write_file(dir / "train/c/1.png", image(2));
  write_file(dir / "val/a/1.png", image(2));
  write_file(dir / "val/b/1.png", image(3));
  write_file(dir / "val/c/1.png", image(3));
  const Pairs found = findings(dir.path());
  CHECK(std::count(found.begin(), found.end(),
                   std::pair{Problem::overlap, std::string("train/c/1.png = val/a/1.png")}) == 1);
  CHECK(std::count(found.begin(), found.end(),
                   std::pair{Problem::contradiction, std::string("val/b/1.png = val/c/1.png")}) == 1);
}

TEST_CASE("a map that does not fit is a finding, a missing folder an error") {
  const TempFolder dir;
  write_file(dir / "train/a/1.png", image(1));
  write_file(dir / "train/b/1.png", image(2));
  write_file(dir / "val/1.png", image(3));
  put(dir / "val_map.txt", "1.png wolf\n");
  const Pairs found = findings(dir.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].first == Problem::classes);
  CHECK(contains(found[0].second, "val_map.txt: line 1: class 'wolf' is none of the 2 classes"));
  CHECK(contains(error_of([&] { verify_data({.data_dir = dir / "none"}); }), "3: "));
}

TEST_CASE("the findings do not depend on the number of threads") {
  const TempFolder dir;
  for (int i = 0; i < 600; ++i) {
    write_file(dir / fmt::format("train/{}/{}.png", i % 2 ? "a" : "b", i), image(i % 90));
  }
  put(dir / "train/a/x.png", "no image");
  set_num_threads(1);
  const Pairs one = findings(dir.path());
  set_num_threads(4);
  CHECK(findings(dir.path()) == one);
  set_num_threads(0);
  CHECK(one.size() == 600 - 90 + 1);
}

TEST_CASE("a pack is verified as well") {
  const TempFolder dir;
  write_good(dir / "set");
  write_file(dir / "set/val/a/2.png", image(3));
  const fs::path file = dir / "x.pack";
  write_pack(open_dataset({.dataset = "folder", .data_dir = dir / "set"}), file, {}, quick_files());
  CHECK(findings(file) ==
        Pairs{{Problem::overlap, file.string() + ": image 2 = " + file.string() + ": image 5"}});
  std::string bytes = read_text(file, ErrorCode::data);
  bytes[13] ^= 1;
  put(file, bytes);
  const Pairs damaged = findings(file);
  REQUIRE(damaged.size() == 2);
  CHECK(damaged[0].first == Problem::unreadable);
  CHECK(contains(damaged[0].second, "x.pack: image 0: checksum differs"));
}

}  // namespace
}  // namespace salu::test
