// SPDX-License-Identifier: MIT
/// Packs: a data set in one file, its images decoded and reduced.
///
///   "SALUPACK", u32 version                                        12 bytes
///   pixels of each image, (H,W,3) u8, one after the other
///   a record for each image: u64 offset, u32 height, width, label, CRC-32C of the pixels
///   index: u32 image side of the network, f32 mean[3], std[3], text name, u32 classes, a text for each, and
///          to its end the splits: text name ("train" first), u64 images
///   tail: u64 offset of the records, u64 offset of the index, u32 CRC-32C of records and index,
///         u32 CRC-32C of the first 12 bytes and of the tail so far, "PACKEND\n"
///
/// A text is u32 length and bytes. Numbers are little-endian. The tail is written last: a file without it is
/// not complete.
#pragma once

#include <bit>
#include <functional>

#include "core/file_ops.h"
#include "data/dataset.h"
#include "data/files.h"

namespace salu {

namespace pack {

static_assert(std::endian::native == std::endian::little, "packs are read and written as they lie in memory");

struct Head {
  char magic[8] = {'S', 'A', 'L', 'U', 'P', 'A', 'C', 'K'};
  std::uint32_t version = 1;
};
static_assert(sizeof(Head) == 12);

struct Record {
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint32_t height = 0, width = 0, label = 0, crc = 0;
};
static_assert(sizeof(Record) == 24);

struct Tail {
  std::uint64_t records = 0, index = 0;  ///< offsets
  std::uint32_t index_crc = 0;           ///< of everything from `records` to the tail
  std::uint32_t crc = 0;                 ///< of the head and of the fields above
  char magic[8] = {'P', 'A', 'C', 'K', 'E', 'N', 'D', '\n'};
};
static_assert(sizeof(Tail) == 32);

/// The value that Tail::crc must have.
std::uint32_t seal(const Head& head, const Tail& tail);

}  // namespace pack

/// An open pack, memory-mapped. The constructor checks the index, view() checks the pixels. The file must not
/// change meanwhile.
class Pack {
 public:
  struct Split {
    std::string name;  ///< "train", "val" or "test"
    std::int64_t first = 0, count = 0;
  };

  /// Throws ErrorCode::data when the file is not a pack, is truncated, damaged, or of a newer version.
  explicit Pack(const std::filesystem::path& path);

  std::int64_t size() const { return count_; }
  /// The pixels in the mapped file. Throws ErrorCode::data when their checksum differs.
  ImageView view(std::int64_t index) const;
  int label(std::int64_t index) const { return static_cast<int>(record(index).label); }
  std::string place(std::int64_t index) const;

  std::string name;
  std::vector<std::string> classes;
  std::vector<Split> splits;
  int img_size = 0;
  std::array<float, 3> mean{}, std{};
  std::uint32_t index_crc = 0;

 private:
  pack::Record record(std::int64_t index) const;
  void read_index(std::span<const std::byte> index);
  void check_records() const;

  std::string file_;
  MappedFile map_;
  std::int64_t count_ = 0;
  std::uint64_t records_ = 0;  // offset
};

/// Opens the pack `options.data_dir`. `eval` is empty when the pack has no evaluation split.
DataSplits open_packed(const DataOptions& options);

struct PackOptions {
  int size = 256;  ///< a longer short side is resized to this (bicubic); nothing is cropped
  BadImages bad_images = BadImages::stop;  ///< or leave_out
  double max_bad_percent = kMaxBadPercent;
  std::function<void(std::int64_t done, std::int64_t all)> progress;  ///< may be empty
  std::function<void(const std::string&)> report;  ///< receives lines about images left out
};

struct PackResult {
  std::int64_t images = 0, left_out = 0;
  std::uint64_t bytes = 0;
};

/// Writes the images of both splits, decoded by num_threads() threads; the result does not depend on their
/// number. `out` appears only when complete. Throws ErrorCode::data for a bad image, ErrorCode::environment
/// when it cannot be written.
PackResult write_pack(const DataSplits& data, const std::filesystem::path& out, const PackOptions& options,
                      FileOps& ops = real_files());

}  // namespace salu
