// SPDX-License-Identifier: MIT
/// Packs: reading gives what was written, every damage is noticed, and a failed write leaves no file.
#include "data/pack.h"

#include "core/crc32c.h"
#include "core/parallel.h"
#include "data/folder.h"
#include "data/open_dataset.h"
#include "data/resize.h"
#include "data/transform.h"
#include "tests/catch.h"
#include "tests/data_files.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

std::uint8_t pattern(int y, int x, int c) {
  return static_cast<std::uint8_t>(y * 13 + x * 29 + c * 101 + y * x);
}

// Images of different sizes, and a class name that is no UTF-8.
void write_folder(const fs::path& root, bool with_val = true) {
  for (const std::string split : {"train", "val"}) {
    if (split == "val" && !with_val) continue;
    write_file(root / split / "b\xff" / "1.png", rgb_png(21, 30, pattern));
    write_file(root / split / "a" / "2.png", rgb_png(40, 17, pattern));
    write_file(root / split / "a" / "1.png", rgb_png(9, 70, pattern));
  }
  write_file(root / "train" / "a" / "3.png", rgb_png(3, 5, pattern));
}

DataSplits folder(const fs::path& dir) { return open_dataset({.dataset = "folder", .data_dir = dir}); }
DataSplits packed(const fs::path& file, DataOptions options = {}) {
  options.dataset = "packed";
  options.data_dir = file;
  return open_dataset(options);
}
std::string opening(const fs::path& file) {
  return error_of([&] { packed(file); });
}
std::string text_of(const fs::path& path) { return read_text(path, ErrorCode::data); }

TEST_CASE("a pack holds the reduced images, labels, names and splits of a folder") {
  const TempFolder dir;
  write_folder(dir / "set");
  const DataSplits before = folder(dir / "set");
  const PackResult result = write_pack(before, dir / "x.pack", {.size = 12}, quick_files());
  CHECK(result.images == 7);
  CHECK(result.left_out == 0);
  CHECK(result.bytes == fs::file_size(dir / "x.pack"));
  CHECK(!fs::exists(dir / "x.pack.tmp"));
  const DataSplits after = packed(dir / "x.pack");
  CHECK(after.eval_name == "val");
  CHECK(after.eval_is_validation);
  CHECK(after.img_size == before.img_size);
  CHECK(after.mean == before.mean);
  CHECK(after.std == before.std);
  CHECK(after.train->class_names() == std::vector<std::string>{"a", "b\xff"});
  CHECK(after.train->name() == before.train->name());
  CHECK(after.train->fingerprint() != after.eval->fingerprint());
  const auto check_split = [](const Dataset& from, const Dataset& to) {
    REQUIRE(to.size() == from.size());
    for (std::int64_t i = 0; i < to.size(); ++i) {
      const Image original = from.image(i);
      const bool small = std::min(original.height, original.width) <= 12;
      CHECK(to.image(i) == (small ? original : resize_short_side(original, 12, Interpolation::bicubic)));
      CHECK(to.label(i) == from.label(i));
    }
  };
  check_split(*before.train, *after.train);
  check_split(*before.eval, *after.eval);
  CHECK(contains(after.eval->place(1), "x.pack: image 5"));
}

TEST_CASE("a pack of the size that evaluation asks for gives the same network input as the folder") {
  const TempFolder dir;
  write_file(dir / "set/train/a/1.png", rgb_png(300, 411, pattern));
  write_file(dir / "set/train/b/1.png", rgb_png(500, 290, pattern));
  const DataSplits before = open_dataset({.dataset = "folder", .data_dir = dir / "set", .val_from_train = 1});
  write_pack(before, dir / "x.pack", {.size = 256}, quick_files());
  const DataSplits after = packed(dir / "x.pack");
  TransformOptions options;
  options.img_size = 224;
  options.crop_pct = 0.875;
  CHECK(eval_transform(after.train->image(0), options) == eval_transform(before.train->image(0), options));
  CHECK(eval_transform(after.eval->image(0), options) == eval_transform(before.eval->image(0), options));
}

TEST_CASE("the file does not depend on the number of threads") {
  const TempFolder dir;
  write_folder(dir / "set");
  const DataSplits data = folder(dir / "set");
  set_num_threads(1);
  write_pack(data, dir / "1.pack", {.size = 8}, quick_files());
  set_num_threads(3);
  write_pack(data, dir / "3.pack", {.size = 8}, quick_files());
  set_num_threads(0);
  CHECK(text_of(dir / "1.pack") == text_of(dir / "3.pack"));
}

TEST_CASE("a pack without an evaluation split") {
  const TempFolder dir;
  write_folder(dir / "set", false);
  DataSplits data;
  data.train = std::make_shared<FolderDataset>("set", dir / "set/train");
  data.img_size = 32;
  data.std = {1, 1, 1};
  write_pack(data, dir / "x.pack", {}, quick_files());
  CHECK(contains(opening(dir / "x.pack"), "3: "));
  CHECK(contains(opening(dir / "x.pack"), "--val-from-train N"));
  CHECK(packed(dir / "x.pack", {.val_from_train = 1}).train->size() == 3);
}

TEST_CASE("what is no pack is named as such") {
  const TempFolder dir;
  CHECK(contains(opening(""), "2: --data-dir: not given; expected the file that salutrain pack made"));
  CHECK(contains(opening(dir / "none"), "none: cannot be opened: No such file"));
  CHECK(contains(opening(dir.path()), ": not a regular file"));
  for (const char* content : {"", "SALU", "a JPEG, perhaps"}) {
    put(dir / "x", content);
    CHECK(
        contains(opening(dir / "x"), "x: is not a packed data set; expected a file made by salutrain pack"));
  }
}

// The message when the pack is opened and every image is read.
std::string reading(const fs::path& file) {
  return error_of([&] {
    const Pack pack(file);
    for (std::int64_t i = 0; i < pack.size(); ++i) pack.view(i);
  });
}

TEST_CASE("every flipped byte and every cut of a pack is noticed") {
  const TempFolder dir;
  write_folder(dir / "set");
  write_pack(folder(dir / "set"), dir / "x.pack", {.size = 4}, quick_files());
  const std::string good = text_of(dir / "x.pack");
  REQUIRE(reading(dir / "x.pack") == "no error");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    put(dir / "bad", bad);
    INFO("byte " << i << " of " << good.size());
    REQUIRE(reading(dir / "bad").starts_with("3: " + (dir / "bad").string() + ": "));
  }
  for (std::size_t n = 0; n < good.size(); ++n) {
    put(dir / "bad", good.substr(0, n));
    const std::string message = reading(dir / "bad");
    INFO(n << " of " << good.size() << ": " << message);
    REQUIRE(message.starts_with("3: " + (dir / "bad").string() + ": "));
    if (n >= 8) REQUIRE(contains(message, fmt::format("truncated at byte {}", n)));
  }
  put(dir / "bad", good + "x");
  CHECK(contains(reading(dir / "bad"), "or its end is damaged"));
  std::string pixel = good;
  pixel[20] ^= 1;
  put(dir / "bad", pixel);
  CHECK(opening(dir / "bad") == "no error");  // found when it is read
  CHECK(contains(reading(dir / "bad"), "bad: image 0: checksum differs (damaged). Pack it again"));
}

// A pack whose checksums are right and whose contents are not: made by hand, as an attacker would.
std::string forged(
    const std::function<void(std::vector<pack::Record>&, std::string& index, pack::Head&)>& change) {
  const auto bytes = [](const auto& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  pack::Head head;
  const std::string pixels(12, 'p');
  std::vector<pack::Record> records(2);
  records[0] = {12, 1, 2, 0, 0};
  records[1] = {18, 2, 1, 1, 0};
  std::string index = bytes(std::uint32_t{32});
  for (int i = 0; i < 6; ++i) index += bytes(0.5f);
  const auto text = [&](const std::string& s) { index += bytes(static_cast<std::uint32_t>(s.size())) + s; };
  text("x");
  index += bytes(std::uint32_t{2});
  text("a");
  text("b");
  text("train");
  index += bytes(std::int64_t{2});
  change(records, index, head);
  std::string middle;
  for (const pack::Record& r : records) middle += bytes(r);
  pack::Tail tail;
  tail.records = 12 + pixels.size();
  tail.index = tail.records + middle.size();
  middle += index;
  tail.index_crc = crc32c(std::as_bytes(std::span(middle)));
  tail.crc = pack::seal(head, tail);
  return bytes(head) + pixels + middle + bytes(tail);
}

TEST_CASE("a pack with right checksums and wrong contents is refused before it is believed") {
  using Records = std::vector<pack::Record>;
  const TempFolder dir;
  const auto refused = [&](auto change) {
    put(dir / "x", forged(change));
    return error_of([&] { Pack pack(dir / "x"); });
  };
  CHECK(refused([](Records&, std::string&, pack::Head&) {}) == "no error");
  CHECK(contains(refused([](Records&, std::string&, pack::Head& h) { h.version = 2; }),
                 "written by a newer salutrain (format 2, this build reads 1)"));
  const auto record = [&](auto set) {
    return refused([&](Records& r, std::string&, pack::Head&) { set(r[1]); });
  };
  CHECK(contains(record([](pack::Record& r) { r.offset = 19; }), "image 1: 1 x 2 pixels at byte 19"));
  CHECK(contains(record([](pack::Record& r) { r.offset = ~std::uint64_t{0}; }), "image 1: "));
  CHECK(contains(record([](pack::Record& r) { r.height = 0; }), "image 1: 1 x 0"));
  CHECK(contains(record([](pack::Record& r) { r.width = 0x80000000u; }), "image 1: "));
  CHECK(contains(record([](pack::Record& r) { r.label = 2; }), "label 2"));
  const auto index = [&](auto set) {
    return refused([&](Records&, std::string& i, pack::Head&) { set(i); });
  };
  CHECK(contains(index([](std::string& i) { i.pop_back(); }), "its index ends too early"));
  CHECK(contains(index([](std::string& i) { i[28] = '\x7f'; }), "its index ends too early"));
  CHECK(contains(index([](std::string& i) { i[i.size() - 8] = 1; }),
                 "splits of 1 images in all, 2 in the file"));
  CHECK(contains(index([](std::string& i) { i[i.size() - 1] = '\xff'; }), "a split of -"));
  CHECK(contains(index([](std::string& i) { i[i.size() - 9] = 'm'; }), "no split train"));
  CHECK(contains(index([](std::string& i) { i[0] = 0; }), "image side 0"));
}

/// A disk on which the k-th write, fsync or rename fails.
class FailingFiles : public QuickFiles {
 public:
  explicit FailingFiles(int at) : left_(at) {}
  bool failed() const { return left_ <= 0; }

 protected:
  ssize_t sys_write(int fd, std::span<const std::byte> bytes) override {
    return --left_ == 0 ? -ENOSPC : QuickFiles::sys_write(fd, bytes);
  }
  int sys_fsync(int fd) override { return --left_ == 0 ? -EIO : QuickFiles::sys_fsync(fd); }
  int sys_rename(const Path& from, const Path& to) override {
    return --left_ == 0 ? -EIO : QuickFiles::sys_rename(from, to);
  }

 private:
  int left_;
};

TEST_CASE("a write that fails at any point leaves the old pack, or the new one") {
  const TempFolder dir;
  write_folder(dir / "set");
  const DataSplits data = folder(dir / "set");
  write_pack(data, dir / "x.pack", {.size = 4}, quick_files());
  const std::string old = text_of(dir / "x.pack");
  write_pack(data, dir / "new.pack", {.size = 8}, quick_files());
  const std::string fresh = text_of(dir / "new.pack");
  for (int k = 1;; ++k) {
    put(dir / "x.pack", old);
    FailingFiles files(k);
    const std::string message = error_of([&] { write_pack(data, dir / "x.pack", {.size = 8}, files); });
    if (!files.failed()) break;
    INFO("operation " << k << ": " << message);
    CHECK(message.starts_with("5: "));
    const std::string now = text_of(dir / "x.pack");
    CHECK((now == old || now == fresh));
    CHECK(!fs::exists(dir / "x.pack.tmp"));
    REQUIRE(k < 100);
  }
  CHECK(text_of(dir / "x.pack") == fresh);
}

TEST_CASE("bad images stop the packing or are left out") {
  const TempFolder dir;
  for (int i = 0; i < 150; ++i) {
    write_file(dir / fmt::format("set/train/{}/{:03}.png", i % 2 ? "a" : "b", i), rgb_png(4, 4, pattern));
  }
  put(dir / "set/train/a/077.png", "<html>");
  DataSplits data;
  data.train = std::make_shared<FolderDataset>("set", dir / "set/train");
  data.img_size = 4;
  data.std = {1, 1, 1};
  CHECK(contains(error_of([&] { write_pack(data, dir / "x.pack", {}, quick_files()); }),
                 "a/077.png: is an HTML page"));
  CHECK(!fs::exists(dir / "x.pack"));
  std::vector<std::string> reports;
  PackOptions options;
  options.bad_images = BadImages::leave_out;
  options.report = [&](const std::string& line) { reports.push_back(line); };
  const PackResult result = write_pack(data, dir / "x.pack", options, quick_files());
  CHECK(result.images == 149);
  CHECK(result.left_out == 1);
  CHECK(reports.size() == 1);
  CHECK(Pack(dir / "x.pack").size() == 149);
}

}  // namespace
}  // namespace salu::test
