// SPDX-License-Identifier: MIT
/// Image folders: DIR/<split>/<class>/<picture>.
#pragma once

#include <filesystem>
#include <mutex>

#include "data/dataset.h"

namespace salu {

/// The classes are the sub-folders in the order of their bytes; the samples follow them, then the paths below
/// them. Pictures end in .jpg .jpeg .png .bmp .ppm .pgm in any case; names that begin with a dot and other
/// files are ignored. A picture is decoded when asked for; when all of them together look small enough, it is
/// kept, so that the next epoch does not decode it again.
class FolderDataset : public Dataset {
 public:
  static constexpr std::int64_t kCacheBytes = std::int64_t{1} << 30;  ///< decoded

  /// Throws ErrorCode::data when `root` cannot be listed, has fewer than two classes or an empty one, or when
  /// a picture is not a regular file.
  FolderDataset(std::string name, std::filesystem::path root, std::int64_t cache_bytes = kCacheBytes);

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  Image image(std::int64_t index) const override;
  int label(std::int64_t index) const override { return file(index).label; }
  std::filesystem::path path(std::int64_t index) const { return root_ / file(index).path; }
  std::int64_t cached() const;  ///< pictures kept in memory

 private:
  struct File {
    std::string path;  // below root_
    std::int64_t bytes = 0;
    int label = 0;
  };

  const File& file(std::int64_t index) const { return files_.at(static_cast<std::size_t>(index)); }
  void list_class(const std::string& class_name, int label);
  Image decode(std::int64_t index) const;

  std::filesystem::path root_;
  std::vector<File> files_;

  mutable std::mutex mutex_;                                 // guards the three below
  mutable std::vector<std::shared_ptr<const Image>> cache_;  // empty: nothing is kept
  mutable std::int64_t room_ = 0;                            // bytes
  mutable std::int64_t cached_ = 0;
};

/// Splits of `options.data_dir`: train, and val, validation, valid or test. Throws ErrorCode::data when a
/// folder is missing or the two have different classes. Without an evaluation folder, `eval` is empty.
DataSplits open_folder(const DataOptions& options);

}  // namespace salu
