// SPDX-License-Identifier: MIT
/// The loader of CIFAR's binary version, on files of the right format and size. Most records are zero: holes
/// in the files, so that they take little room.
#include <algorithm>
#include <fstream>

#include "data/open_dataset.h"
#include "tests/catch.h"
#include "tests/data_files.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kTenBytes = 30'730'000, kHundredTrain = 153'700'000, kHundredTest = 30'740'000;

void sized_file(const fs::path& path, std::uintmax_t bytes) {
  write_file(path, {});
  fs::resize_file(path, bytes);
}

void overwrite(const fs::path& path, std::uint64_t offset, const Bytes& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

// Red, green, blue of pixel i are i, i + 85, i + 170 (mod 256).
Bytes planes() {
  Bytes out;
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < 1024; ++i) out.push_back(static_cast<std::uint8_t>(i + 85 * c));
  }
  return out;
}

Bytes record(Bytes labels) {
  const Bytes pixels = planes();
  labels.insert(labels.end(), pixels.begin(), pixels.end());
  return labels;
}

// Every label of CIFAR-10 occurs in turn.
void write_cifar10(const fs::path& folder) {
  for (int b = 0; b < 6; ++b) {
    const fs::path file = folder / (b == 5 ? "test_batch.bin" : fmt::format("data_batch_{}.bin", b + 1));
    sized_file(file, kTenBytes);
    for (std::uint8_t i = 0; i < 10; ++i) overwrite(file, i * 3073u, {i});
  }
}

std::string opening(const std::string& dataset, const fs::path& dir) {
  return error_of([&] { open_dataset({.dataset = dataset, .data_dir = dir}); });
}

TEST_CASE("CIFAR-10: all records in order, planes become pixels") {
  const TempDir dir;
  const fs::path inner = dir.path() / "cifar-10-batches-bin";
  write_cifar10(inner);
  overwrite(inner / "data_batch_4.bin", 77 * 3073, record({6}));
  for (const fs::path& given : {dir.path(), inner}) {
    const DataSplits splits = open_dataset({.dataset = "cifar10", .data_dir = given});
    CHECK(splits.train->size() == 50000);
    CHECK(splits.eval->size() == 10000);
    CHECK(splits.eval_name == "test");
    CHECK(!splits.eval_is_validation);
    CHECK(splits.img_size == 32);
    CHECK(splits.train->label(30077) == 6);
    CHECK(splits.train->label(30078) == 0);
    CHECK(splits.train->label(10009) == 9);
    const Image image = splits.train->image(30077);
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        for (int c = 0; c < 3; ++c) REQUIRE(image.at(y, x)[c] == (y * 32 + x + 85 * c) % 256);
      }
    }
    CHECK(splits.train->class_names()[6] == "frog");
    CHECK(splits.train->fingerprint() != splits.eval->fingerprint());
  }
  const std::uint64_t before = open_dataset({.dataset = "cifar10", .data_dir = inner}).train->fingerprint();
  overwrite(inner / "data_batch_1.bin", 5000 * 3073, {1});
  write_text(inner / "batches.meta.txt", "a\r\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  const DataSplits held = open_dataset(
      {.dataset = "cifar10", .data_dir = inner, .val_from_train = 5000, .train_num_samples = 100});
  CHECK(held.train->size() == 100);
  CHECK(held.eval->size() == 5000);
  CHECK(held.eval_name == "val");
  CHECK(held.eval_is_validation);
  CHECK(held.train->class_names()[0] == "a");
  CHECK(open_dataset({.dataset = "cifar10", .data_dir = inner}).train->fingerprint() != before);
}

TEST_CASE("CIFAR-100: the second byte is the label") {
  const TempDir dir;
  const fs::path inner = dir.path() / "cifar-100-binary";
  sized_file(inner / "train.bin", kHundredTrain);
  sized_file(inner / "test.bin", kHundredTest);
  overwrite(inner / "train.bin", 49999ull * 3074, record({19, 99}));
  const DataSplits splits = open_dataset({.dataset = "cifar100", .data_dir = dir.path()});
  CHECK(splits.train->size() == 50000);
  CHECK(splits.eval->size() == 10000);
  CHECK(splits.train->label(49999) == 99);
  CHECK(splits.train->image(49999).at(0, 2)[1] == 87);
  CHECK(splits.train->class_names().size() == 100);
  std::string names;
  for (int i = 0; i < 100; ++i) names += fmt::format("name{}\n", i);
  write_text(inner / "fine_label_names.txt", names);
  CHECK(open_dataset({.dataset = "cifar100", .data_dir = inner}).train->class_names()[99] == "name99");

  overwrite(inner / "train.bin", 4711ull * 3074, {0, 100});
  CHECK(contains(opening("cifar100", inner), "train.bin: record 4711: label 100; expected 0..99"));
  overwrite(inner / "train.bin", 4711ull * 3074, {20, 1});
  CHECK(contains(opening("cifar100", inner), "train.bin: record 4711: coarse label 20; expected 0..19"));
}

TEST_CASE("damaged CIFAR files") {
  const TempDir dir;
  write_cifar10(dir.path());
  overwrite(dir.path() / "data_batch_2.bin", 4711 * 3073, {37});
  CHECK(contains(opening("cifar10", dir.path()), "data_batch_2.bin: record 4711: label 37; expected 0..9"));
  CHECK(opening("cifar10", dir.path()).starts_with("3: "));
  overwrite(dir.path() / "data_batch_2.bin", 4711 * 3073, {9});
  CHECK(opening("cifar10", dir.path()) == "no error");
  fs::resize_file(dir.path() / "data_batch_3.bin", kTenBytes - 1);
  CHECK(contains(opening("cifar10", dir.path()),
                 "data_batch_3.bin: 30729999 bytes; expected 10000 x 3073 = 30730000 (truncated download?)"));
  fs::resize_file(dir.path() / "data_batch_3.bin", kTenBytes + 1);
  CHECK(contains(opening("cifar10", dir.path()), "30730001 bytes; expected 10000 x 3073 = 30730000"));
  fs::remove(dir.path() / "data_batch_3.bin");
  CHECK(contains(opening("cifar10", dir.path()), "data_batch_3.bin: cannot be opened: No such file"));
  fs::create_directory(dir.path() / "data_batch_3.bin");
  CHECK(contains(opening("cifar10", dir.path()), "data_batch_3.bin: not a regular file"));
}

TEST_CASE("what stands in the place of CIFAR's binary files is named") {
  const TempDir dir;
  const fs::path here = dir.path();
  CHECK(contains(opening("cifar10", ""), "2: --data-dir: not given"));
  CHECK(contains(opening("cifar10", here / "none"), "3: " + (here / "none").string()));
  CHECK(
      contains(opening("cifar10", here), "no test_batch.bin; expected it here or in cifar-10-batches-bin/"));

  write_file(here / "cifar-10-binary.tar.gz", {0x1f, 0x8b, 8, 0});
  CHECK(contains(opening("cifar10", here),
                 "3: " + here.string() + "/cifar-10-binary.tar.gz: is a gzip archive; unpack it first"));
  CHECK(contains(opening("cifar10", here / "cifar-10-binary.tar.gz"), "is a gzip archive; unpack it first"));
  CHECK(contains(opening("cifar100", here), "no test.bin"));
  write_text(here / "notes.txt", "x");
  CHECK(contains(opening("cifar10", here / "notes.txt"), "is a file; expected a folder"));

  const fs::path python = here / "cifar-10-batches-py";
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    write_text(python / name, "\x80\x02}q");
  }
  for (const fs::path& given : {here, python}) {
    const std::string message = opening("cifar10", given);
    CHECK(message.starts_with("3: " + python.string() + ": "));
    CHECK(contains(message, "reads the binary version and never unpickles"));
    CHECK(contains(message, "python3 -c \"import pickle; "));
    CHECK(std::count(message.begin(), message.end(), '\n') == 0);
  }
  const fs::path hundred = here / "cifar-100-python";
  for (const char* name : {"train", "test"}) write_text(hundred / name, "\x80\x02}q");
  CHECK(contains(opening("cifar100", here), "d[b'fine_labels']"));
}

}  // namespace
}  // namespace salu::test
