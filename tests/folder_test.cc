// SPDX-License-Identifier: MIT
/// Image folders: layout, order, errors, the cache.
#include "data/folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/text.h"
#include "data/decode.h"
#include "data/open_dataset.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/jpeg_samples.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

template <int value>
Bytes plain(int height, int width) {
  return rgb_png(height, width, [](int, int, int) { return static_cast<std::uint8_t>(value); });
}

// Two classes; in the order of bytes: "B" (2 images), "a" (3).
void write_split(const fs::path& root) {
  write_file(root / "a" / "2.png", plain<2>(8, 8));
  write_file(root / "a" / "10.PnG", plain<10>(8, 8));
  write_file(root / "a" / "deeper" / "1.png", plain<1>(8, 8));
  write_file(root / "B" / "x.JPEG", plain<3>(8, 8));  // told by its content
  write_file(root / "B" / "-y.jpg", jpeg::kBaseline);
  write_text(root / "B" / ".hidden.jpg", "no image");
  write_text(root / "B" / "notes.txt", "no image");
  write_text(root / ".cache" / "z.jpg", "no image");
  write_text(root / "README", "no image");
}

DataSplits open(const fs::path& dir, DataOptions options = {}) {
  options.dataset = "folder";
  options.data_dir = dir;
  return open_dataset(options);
}
std::string opening(const fs::path& dir) {
  return error_of([&] { open(dir); });
}

TEST_CASE("classes and images are sorted by bytes; hidden and other files are ignored") {
  const TempDir dir;
  write_split(dir.path() / "animals" / "train");
  write_split(dir.path() / "animals" / "val");
  const DataSplits splits = open(dir.path() / "animals");
  CHECK(splits.train->class_names() == std::vector<std::string>{"B", "a"});
  REQUIRE(splits.train->size() == 5);
  const FolderDataset set("x", dir.path() / "animals" / "train");
  const char* expected[] = {"B/-y.jpg", "B/x.JPEG", "a/10.PnG", "a/2.png", "a/deeper/1.png"};
  const int labels[] = {0, 0, 1, 1, 1};
  const int values[] = {-1, 3, 10, 2, 1};
  for (std::int64_t i = 0; i < 5; ++i) {
    CHECK(set.path(i) == dir.path() / "animals" / "train" / expected[i]);
    CHECK(splits.train->label(i) == labels[i]);
    if (i > 0) CHECK(splits.train->image(i).pixels[0] == values[i]);
  }
  CHECK(splits.train->name() == "folder:animals");
  CHECK(open(dir.path() / "animals" / "").train->name() == "folder:animals");
  CHECK(splits.eval_name == "val");
  CHECK(splits.eval_is_validation);
}

TEST_CASE("the evaluation split: val, validation, valid or test, in this order, or held out") {
  const TempDir dir;
  write_split(dir.path() / "train");
  CHECK(contains(opening(dir.path()), "3: "));
  CHECK(contains(opening(dir.path()), "--val-from-train N"));
  CHECK(open(dir.path(), {.val_from_train = 2}).eval->size() == 2);
  for (const char* name : {"test", "valid", "validation", "val"}) {
    write_split(dir.path() / name);
    const DataSplits splits = open(dir.path());
    CHECK(splits.eval_is_validation == (std::string(name) != "test"));
    const auto* eval = dynamic_cast<const FolderDataset*>(splits.eval.get());
    REQUIRE(eval != nullptr);
    CHECK(eval->path(0) == dir.path() / name / "B/-y.jpg");
  }
  CHECK(open(dir.path(), {.val_from_train = 2}).train->size() == 3);
  CHECK(open(dir.path(), {.train_num_samples = 4}).train->size() == 4);
  CHECK(contains(error_of([&] { open(dir.path(), {.train_num_samples = 6}); }), "2: --train-num-samples: 6"));
}

TEST_CASE("the native size is that of small images, 224 for larger ones") {
  for (const auto& [h, w, size] : {std::tuple{40, 64, 40}, {64, 64, 64}, {65, 65, 224}, {90, 200, 224}}) {
    const TempDir dir;
    for (const char* name : {"train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png"}) {
      write_file(dir.path() / name, plain<1>(h, w));
    }
    CHECK(open(dir.path()).img_size == size);
  }
}

TEST_CASE("missing, empty and differing folders") {
  const TempDir dir;
  const fs::path here = dir.path();
  CHECK(contains(opening(""), "2: --data-dir: not given"));
  CHECK(contains(opening(here / "none"),
                 "3: " + (here / "none").string() + ": cannot be listed: No such file"));
  CHECK(contains(opening(here), "no folder train; expected train/<class>/<image>"));
  write_text(here / "file", "x");
  CHECK(contains(opening(here / "file"), "cannot be listed: Not a directory"));

  fs::create_directory(here / "train");
  CHECK(contains(opening(here), "train: 0 class folders; expected at least 2"));
  write_file(here / "train" / "cat" / "1.png", plain<1>(8, 8));
  CHECK(contains(opening(here), "train: 1 class folder: cat; expected at least 2"));
  fs::create_directory(here / "train" / "dog");
  fs::create_directory(here / "train" / "e\nel");
  CHECK(contains(opening(here), "2 classes without images: dog, e\\x0ael; expected .jpg"));
  write_file(here / "train" / "dog" / "1.png", plain<1>(8, 8));
  fs::remove(here / "train" / "e\nel");
  write_file(here / "val" / "cat" / "1.png", plain<1>(8, 8));
  write_file(here / "val" / "wolf" / "1.png", plain<1>(8, 8));
  CHECK(contains(opening(here), "classes differ from "));
  CHECK(contains(opening(here), "only in train: dog; only in val: wolf"));
  if (geteuid() == 0) {
    WARN("skipped: for root, no folder is unreadable");
  } else {
    fs::permissions(here / "train", fs::perms::none);
    CHECK(contains(opening(here), "Permission denied"));
    fs::permissions(here / "train", fs::perms::owner_all);
  }
}

// Three classes in train; a flat val of four images.
void write_flat(const fs::path& train, const fs::path& val) {
  for (const char* name : {"n01", "n02", "n03"}) write_file(train / name / "x.JPEG", plain<7>(8, 8));
  write_file(val / "val_1.JPEG", plain<1>(8, 8));
  write_file(val / "val_2.JPEG", plain<2>(8, 8));
  write_file(val / "val_3.png", plain<3>(8, 8));
  write_file(val / "with blank.png", plain<4>(8, 8));
}

// (label, value) of each image of the evaluation split.
std::vector<std::pair<int, int>> eval_of(const fs::path& dir) {
  const DataSplits splits = open(dir);
  std::vector<std::pair<int, int>> out;
  for (std::int64_t i = 0; i < splits.eval->size(); ++i) {
    out.emplace_back(splits.eval->label(i), splits.eval->image(i).pixels[0]);
  }
  return out;
}

TEST_CASE("a flat val folder takes its classes from val_map.txt, in it or beside it") {
  using Pairs = std::vector<std::pair<int, int>>;
  const TempDir dir;
  const fs::path here = dir.path();
  write_flat(here / "train", here / "val");
  CHECK(contains(opening(here), "3: " + (here / "val").string() + ": images without class folders"));
  CHECK(
      contains(opening(here), "expected val_map.txt (lines 'NAME CLASS') or Kaggle's LOC_val_solution.csv"));
  CHECK(open(here, {.val_from_train = 1}).eval->size() == 1);  // val is not looked at
  const std::string map = "val_3.png n01\nval_1 n03\r\n\nwith blank.png n02\nval_2.JPEG\tn03\n";
  for (const char* place : {"val_map.txt", "val/val_map.txt"}) {
    write_text(here / place, map);
    CHECK(eval_of(here) == Pairs{{0, 3}, {1, 4}, {2, 1}, {2, 2}});
    fs::remove(here / place);
  }
  const auto refused = [&](const std::string& text) {
    write_text(here / "val_map.txt", text);
    return opening(here);
  };
  CHECK(contains(refused("val_3.png n04\n"), "val_map.txt: line 1: class 'n04' is none of the 3 classes"));
  CHECK(contains(refused(map + "val_1 n03\n"), "val_map.txt: lines 2 and 6 are both about val_1"));
  CHECK(contains(refused(map + "val_9 n03\n"), "line 6: no image val_9 in "));
  CHECK(contains(refused("val_1\n"), "line 1: 'val_1'; expected NAME CLASS"));
  CHECK(contains(refused("val_1 n01\nval_2 n02\nwith blank n03"), "val_3.png: not in "));
  CHECK(refused("val_1 n01\nval_2 n02\nval_3 n02\nwith blank n02") == "no error");  // none of n03
}

TEST_CASE("Kaggle's ImageNet folder is read as it is unpacked") {
  const TempDir dir;
  const fs::path here = dir.path();
  write_flat(here / "ILSVRC/Data/CLS-LOC/train", here / "ILSVRC/Data/CLS-LOC/val");
  write_file(here / "ILSVRC/Data/CLS-LOC/test" / "test_1.JPEG", plain<9>(8, 8));
  write_text(here / "LOC_val_solution.csv",
             "ImageId,PredictionString\nval_3,n02 85 1 499 272 n01 1 2 3 4 \nval_1,n03 1 2 3 4 \n"
             "val_2,n01 131 0 499 254 \nwith blank,n01 0 0 1 1 \n");
  CHECK(eval_of(here) == std::vector<std::pair<int, int>>{{0, 2}, {0, 4}, {1, 3}, {2, 1}});
  CHECK(open(here).eval_name == "val");
  write_text(here / "LOC_val_solution.csv", "val_3\n");
  CHECK(contains(opening(here), "LOC_val_solution.csv: line 1: 'val_3'; expected ImageId,CLASS x y x y"));
}

TEST_CASE("ImageNet's odd files: CMYK, grey, and a PNG that is named .JPEG") {
  const TempDir dir;
  write_file(dir.path() / "a" / "cmyk.JPEG", jpeg::kCmyk);
  write_file(dir.path() / "a" / "grey.JPEG", jpeg::kGrey);
  write_file(dir.path() / "b" / "png.JPEG", plain<5>(4, 6));
  const FolderDataset set("x", dir.path());
  const Image cmyk = set.image(0), grey = set.image(1);
  // (0, 225, 195, 55) of 255: red is 255 - 55, green (255 - 225) (255 - 55) / 255, blue alike.
  const int expected[] = {200, 24, 47};
  for (int c = 0; c < 3; ++c) {
    CHECK(std::abs(cmyk.at(1, 2)[c] - expected[c]) <= 2);
    CHECK(std::abs(grey.at(1, 2)[c] - 77) <= 1);
  }
  CHECK(set.image(2) == decode_image(plain<5>(4, 6), "x"));
}

TEST_CASE("only regular files are images") {
  const TempDir dir;
  write_split(dir.path() / "train");
  const fs::path odd = dir.path() / "train" / "a" / "odd.jpg";
  const auto message = [&] { return opening(dir.path()); };
  fs::create_directory(odd);
  CHECK(contains(message(), "odd.jpg: not a regular file"));
  fs::remove(odd);
  REQUIRE(mkfifo(odd.c_str(), 0600) == 0);
  CHECK(contains(message(), "odd.jpg: not a regular file"));
  fs::remove(odd);
  fs::create_symlink("odd.jpg", odd);
  CHECK(contains(message(), "odd.jpg: not a regular file"));
  fs::remove(odd);
  fs::create_symlink("2.png", odd);
  CHECK(FolderDataset("x", dir.path() / "train").size() == 6);
  fs::create_directory_symlink("..", dir.path() / "train" / "a" / "circle");
  CHECK(FolderDataset("x", dir.path() / "train").size() == 6);
}

TEST_CASE("images behind links are listed, each folder once, in the order of their names") {
  const TempDir dir;
  const fs::path a = dir.path() / "train" / "a", ext = dir.path() / "ext";
  const auto link = [](const fs::path& target, const fs::path& at) {
    fs::create_directory_symlink(target, at);
  };
  const auto paths = [&] {
    std::vector<std::string> out;
    for (const ListedFile& file : list_class_folders(dir.path() / "train").files) out.push_back(file.path);
    return out;
  };
  using Paths = std::vector<std::string>;
  write_file(a / "1.png", plain<1>(8, 8));
  write_file(a / "real" / "2.png", plain<2>(8, 8));
  write_file(ext / "3.png", plain<3>(8, 8));
  write_file(ext / "in" / "4.png", plain<4>(8, 8));
  write_file(dir.path() / "far" / "5.png", plain<5>(8, 8));
  write_file(dir.path() / "train" / "b" / "6.png", plain<6>(8, 8));
  link("../../ext", a / "more");
  link("../../far", ext / "in" / "on");  // a link inside a linked folder
  const Paths all = {"a/1.png",      "a/more/3.png", "a/more/in/4.png", "a/more/in/on/5.png",
                     "a/real/2.png", "b/6.png"};
  CHECK(paths() == all);
  // Other ways to the same folders add nothing: own names come before links, and "more" before "other".
  link("real", a / "alias");
  link(ext, a / "other");
  CHECK(paths() == all);
  // Circles: to itself, to the class, above the set (where b lies too), and back from a linked folder.
  link(".", a / "self");
  link("..", a / "real" / "up");
  link("../../..", a / "real" / "above");
  link("/", a / "root");
  link(a, ext / "back");
  link(dir.path() / "train", ext / "in" / "top");
  CHECK(paths() == all);
  // Each class is walked anew, and may itself be a link.
  link("../ext", dir.path() / "train" / "c");
  const Paths c = {"c/3.png", "c/back/1.png", "c/back/real/2.png", "c/in/4.png", "c/in/on/5.png"};
  Paths expected = all;
  expected.insert(expected.end(), c.begin(), c.end());
  CHECK(paths() == expected);
  // A link to itself leads nowhere, and counts as an image that cannot be read.
  link("loop", dir.path() / "train" / "b" / "loop");
  expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(all.size()), "b/loop");
  CHECK(paths() == expected);
}

TEST_CASE("long, non-UTF-8 and odd names work") {
  const TempDir dir;
  const std::string longest(251, '\xe9');
  write_file(dir.path() / "a" / (longest + ".png"), plain<1>(8, 8));
  write_file(dir.path() / "b\n" / "-rf *.png", plain<1>(8, 8));
  const FolderDataset set("x", dir.path());
  CHECK(set.image(0).height == 8);
  CHECK(set.image(1).height == 8);
}

TEST_CASE("an image that changed, went away or is damaged names its path") {
  const TempDir dir;
  write_split(dir.path());
  const FolderDataset set("x", dir.path());
  const auto reading = [&](std::int64_t i) { return error_of([&] { set.image(i); }); };
  write_file(set.path(2), plain<9>(9, 9));
  CHECK(contains(reading(2), "3: " + set.path(2).string()));
  CHECK(contains(reading(2), "no longer matches the manifest"));
  fs::remove(set.path(3));
  CHECK(contains(reading(3), "a/2.png: cannot be opened: No such file"));
  Bytes damaged = plain<1>(8, 8);
  damaged[50] ^= 1;
  write_file(set.path(4), damaged);
  CHECK(contains(reading(4), "a/deeper/1.png: damaged: IDAT"));
}

TEST_CASE("the fingerprint follows paths and sizes") {
  const TempDir dir;
  write_split(dir.path());
  const auto fingerprint = [&] { return FolderDataset("x", dir.path()).fingerprint(); };
  const std::uint64_t before = fingerprint();
  CHECK(before == fingerprint());
  fs::rename(dir.path() / "a" / "2.png", dir.path() / "a" / "3.png");
  const std::uint64_t renamed = fingerprint();
  CHECK(renamed != before);
  write_file(dir.path() / "a" / "3.png", plain<2>(9, 8));
  CHECK(fingerprint() != renamed);
}

TEST_CASE("small sets are decoded once, large ones are not kept") {
  const TempDir dir;
  write_split(dir.path());
  const FolderDataset kept("x", dir.path()), not_kept("x", dir.path(), {}, 100);
  const Image first = kept.image(1);
  CHECK(kept.cached() == 1);
  CHECK(not_kept.image(1) == first);
  CHECK(not_kept.cached() == 0);
  for (const FolderDataset* set : {&kept, &not_kept}) {
    const auto seen = set->open(1);
    REQUIRE(seen->size() == first.size());
    const Region part = {1, 0, first.height - 1, first.width - 1};
    CHECK(to_image(seen->part(part)) == crop(first, part.top, part.left, part.height, part.width));
    CHECK(to_image(seen->whole()) == first);
  }
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (std::int64_t i = 0; i < 5; ++i) kept.image(i);
      });
    }
  }
  CHECK(kept.cached() == 5);
  for (std::int64_t i = 0; i < 5; ++i) fs::remove(kept.path(i));
  CHECK(kept.image(1) == first);
  CHECK(contains(error_of([&] { not_kept.image(1); }), "cannot be opened"));
}

// SALU_DATA_DIR may name a folder with the unpacked real images: cifar10/ and imagenet-sample/.
TEST_CASE("real images decode without an error") {
  const char* root = std::getenv("SALU_DATA_DIR");
  if (!root) {
    WARN("skipped: SALU_DATA_DIR does not name a folder with real images");
    return;
  }
  for (const fs::path& folder :
       {fs::path(root) / "cifar10" / "test", fs::path(root) / "imagenet-sample" / "val"}) {
    if (!fs::is_directory(folder)) {
      WARN("skipped: no folder " << folder);
      continue;
    }
    const FolderDataset set("real", folder);
    for (std::int64_t i = 0; i < set.size(); ++i) CHECK(error_of([&] { set.image(i); }) == "no error");
  }
}

TEST_CASE("maps from Windows: a byte-order mark, its line ends, fields in quotes") {
  const TempDir dir;
  write_text(dir.path() / "val/a.pgm", "P5 1 1 255\n1");
  write_text(dir.path() / "val/b, c.pgm", "P5 1 1 255\n2");
  const auto labels = [&](const char* name, const std::string& text) {
    write_text(dir.path() / name, text);
    std::vector<int> out;
    for (const ListedFile& file : list_flat(dir.path() / "val", dir.path() / name, {"cat", "dog"}).files) {
      out.push_back(file.label);
    }
    return out;
  };
  const std::vector<int> right = {0, 1};  // sorted by class
  CHECK(labels("val_map.txt", "a.pgm dog\nb, c.pgm cat\n") == right);
  CHECK(labels("val_map.txt",
               "\xef\xbb\xbf"
               "a.pgm dog\r\n\r\nb, c.pgm\tcat \r\n") == right);
  const std::string csv = "ImageId,PredictionString\na,dog 1 2 3 4 cat 5 6 7 8\n\"b, c\",cat 1 2 3 4\n";
  CHECK(labels("LOC_val_solution.csv", csv) == right);
  CHECK(labels("LOC_val_solution.csv",
               "\xef\xbb\xbf\"ImageId\",\"PredictionString\"\r\n\"a\",\"dog 1 2 3 4 \"\r\n"
               "\"b, c\",\"cat 1 2 3 4\"\r\n") == right);
  CHECK(contains(error_of([&] {
                   labels("val_map.txt",
                          "\xff\xfe"
                          "a\0b");
                 }),
                 "val_map.txt: is UTF-16; expected UTF-8"));
  CHECK(csv_fields("a,\"b, \"\"c\"\"\",,d\"e") == std::vector<std::string>{"a", "b, \"c\"", "", "d\"e"});
}

}  // namespace
}  // namespace salu::test
