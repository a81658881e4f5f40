// SPDX-License-Identifier: MIT
/// Data sets in one packed file (data/pack_format.h), read by way of the page cache.
#pragma once

#include "data/dataset.h"
#include "data/mapped_file.h"
#include "data/pack_format.h"

namespace salu {

/// An open pack. Its index was checked when it was opened, its pixels are when they are asked for. The file
/// must not be changed meanwhile.
class Pack {
 public:
  struct Split {
    std::string name;  ///< "train", "val" or "test"
    std::int64_t first = 0, count = 0;
  };

  /// Throws ErrorCode::data when the file is no pack, is cut, is damaged, or is of a newer version.
  explicit Pack(const std::filesystem::path& path);

  std::int64_t size() const { return count_; }
  /// The pixels in the mapped file. Throws ErrorCode::data when their checksum is another one.
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

/// `options.data_dir` is the file. Without an evaluation split in it, `eval` is empty.
DataSplits open_packed(const DataOptions& options);

}  // namespace salu
