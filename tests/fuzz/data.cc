// SPDX-License-Identifier: MIT
/// Data sets in files of their own: CIFAR's binary records, and packs.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/crc32c.h"
#include "data/cifar.h"
#include "data/pack.h"
#include "tests/fuzz/fuzz.h"

namespace salu::fuzz {
namespace {

constexpr std::size_t kPixels = 3072;

void read_all(const Dataset& data) {
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const Image image = data.image(i);
    require(image.pixels.size() == static_cast<std::size_t>(image.height * image.width * 3),
            "an image without pixels");
    require(data.label(i) >= 0 && data.label(i) < static_cast<int>(data.class_names().size()),
            "a label out of range");
  }
}

/// First byte: which of the two. The rest: records.
Bytes cifar_seed(bool hundred, std::size_t records) {
  Bytes out = {hundred};
  for (std::size_t r = 0; r < records; ++r) {
    if (hundred) out.push_back(static_cast<std::uint8_t>(r * 19 % 20));
    out.push_back(static_cast<std::uint8_t>(hundred ? r * 99 % 100 : r * 9 % 10));
    for (std::size_t i = 0; i < kPixels; ++i) out.push_back(static_cast<std::uint8_t>(i * 7 + r));
  }
  return out;
}

std::vector<Bytes> cifar_seeds() { return {cifar_seed(false, 2), cifar_seed(true, 1), cifar_seed(true, 3)}; }

/// A file without a place on a disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("fuzz", 0)) { require(descriptor_ >= 0, "no file in memory"); }
  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }
  void write(std::span<const std::uint8_t> bytes) const {
    const bool done = ftruncate(descriptor_, 0) == 0 && pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
                                                            static_cast<ssize_t>(bytes.size());
    require(done, "the file in memory cannot be written");
  }

 private:
  int descriptor_;  // open to the end
};

template <class T>
void put(Bytes& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

void put_text(Bytes& out, const std::string& text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

std::span<const std::byte> part_of(const Bytes& b, std::size_t begin, std::size_t end) {
  return std::as_bytes(std::span(b)).subspan(begin, end - begin);
}

// The offsets, brought into order and into the file, and the three checksums.
void repair_pack(Bytes& b) {
  if (b.size() < sizeof(pack::Head) + sizeof(pack::Tail)) return;
  const std::size_t end = b.size() - sizeof(pack::Tail);
  pack::Head head;
  pack::Tail tail;
  std::memcpy(&head, b.data(), sizeof head);
  std::memcpy(&tail, b.data() + end, sizeof tail);
  head = {.version = head.version};
  std::memcpy(b.data(), &head, sizeof head);
  std::memcpy(tail.magic, pack::Tail{}.magic, sizeof tail.magic);
  tail.index = std::min<std::uint64_t>(tail.index, end);
  tail.records = std::min(tail.records, tail.index);
  const std::size_t records = tail.records, index = tail.index;
  for (std::size_t at = records; at + sizeof(pack::Record) <= index; at += sizeof(pack::Record)) {
    pack::Record r;
    std::memcpy(&r, b.data() + at, sizeof r);
    const std::uint64_t bytes = std::uint64_t{3} * r.height * r.width;
    if (r.offset > records || bytes > records - r.offset) continue;
    r.crc = crc32c(part_of(b, r.offset, r.offset + bytes));
    std::memcpy(b.data() + at, &r, sizeof r);
  }
  tail.index_crc = crc32c(part_of(b, records, end));
  tail.crc = pack::seal(head, tail);
  std::memcpy(b.data() + end, &tail, sizeof tail);
}

Bytes pack_seed(bool with_val) {
  Bytes out;
  put(out, pack::Head{});
  std::vector<pack::Record> records;
  constexpr std::array<std::array<std::uint32_t, 3>, 3> kImages = {{{2, 3, 0}, {5, 1, 1}, {4, 4, 1}}};
  for (const auto& [height, width, label] : kImages) {
    records.push_back({out.size(), height, width, label, 0});
    for (std::uint32_t i = 0; i < 3 * height * width; ++i) out.push_back(static_cast<std::uint8_t>(i * 37));
  }
  pack::Tail tail;
  tail.records = out.size();
  for (const pack::Record& r : records) put(out, r);
  tail.index = out.size();
  put(out, std::uint32_t{32});
  for (const float v : {0.5f, 0.4f, 0.3f, 0.2f, 0.25f, 0.3f}) put(out, v);
  put_text(out, "folder:set");
  put(out, std::uint32_t{2});
  put_text(out, "cat");
  put_text(out, "d\xffg");
  put_text(out, "train");
  put(out, std::uint64_t{with_val ? 2u : 3u});
  if (with_val) {
    put_text(out, "val");
    put(out, std::uint64_t{1});
  }
  put(out, tail);
  repair_pack(out);
  return out;
}

std::vector<Bytes> pack_seeds() { return {pack_seed(true), pack_seed(false)}; }

}  // namespace

void fuzz_cifar(std::span<const std::uint8_t> input) {
  if (input.empty()) fail(ErrorCode::data, "empty");
  const auto records = input.subspan(1);
  const CifarDataset data(input[0] % 2 ? Cifar::hundred : Cifar::ten, {records.begin(), records.end()}, "f");
  read_all(data);
}

void fuzz_pack(std::span<const std::uint8_t> input) {
  static const MemoryFile file;
  file.write(input);
  const DataSplits splits = open_packed({.dataset = "packed", .data_dir = file.path()});
  require(splits.img_size >= 1 && splits.img_size <= 16384, "an image side out of range");
  for (std::size_t c = 0; c < 3; ++c) {
    require(std::isfinite(splits.mean[c]) && std::isfinite(splits.std[c]) && splits.std[c] > 0,
            "mean or deviation");
  }
  require(splits.train && splits.train->size() > 0, "nothing to train on");
  read_all(*splits.train);
  if (splits.eval) read_all(*splits.eval);
}

std::vector<Target> data_targets() {
  return {
      {"cifar", fuzz_cifar, {ErrorCode::data}, cifar_seeds},
      {"pack", fuzz_pack, {ErrorCode::data}, pack_seeds, repair_pack, {"train", "val", "test", "PACKEND\n"}}};
}

}  // namespace salu::fuzz
