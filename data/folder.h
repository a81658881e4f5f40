// SPDX-License-Identifier: MIT
/// Image folders: DIR/<split>/<class>/<image>, and a flat evaluation split with a map (data/listing.h).
#pragma once

#include <filesystem>
#include <mutex>

#include "data/dataset.h"
#include "data/listing.h"

namespace salu {

/// The images of a listing, decoded on demand and no further than needed. When all decoded images are
/// estimated to fit in memory, whole images are decoded and cached for the next epochs.
class FolderDataset : public Dataset {
 public:
  static constexpr std::int64_t kCacheBytes = std::int64_t{1} << 30;  ///< decoded

  FolderDataset(std::string name, Listing listing, const DecodeOptions& decode = {},
                std::int64_t cache_bytes = kCacheBytes);
  /// list_class_folders(root). Throws ErrorCode::data for fewer than two classes or an empty class.
  FolderDataset(std::string name, const std::filesystem::path& root, const DecodeOptions& decode = {},
                std::int64_t cache_bytes = kCacheBytes);

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override;
  int label(std::int64_t index) const override { return file(index).label; }
  std::string place(std::int64_t index) const override { return path(index).string(); }
  std::filesystem::path path(std::int64_t index) const { return root_ / file(index).path; }
  std::int64_t cached() const;  ///< images kept in memory

 private:
  const ListedFile& file(std::int64_t index) const { return files_.at(static_cast<std::size_t>(index)); }
  std::unique_ptr<ImageSource> open_file(std::int64_t index) const;
  /// True when a decoded image of this size still fits in the cache.
  bool has_room(std::int64_t bytes) const;

  std::filesystem::path root_;
  std::vector<ListedFile> files_;
  DecodeOptions decode_;

  mutable std::mutex mutex_;                                 // guards the three below
  mutable std::vector<std::shared_ptr<const Image>> cache_;  // empty: nothing is cached
  mutable std::int64_t room_ = 0;                            // bytes
  mutable std::int64_t cached_ = 0;
};

/// The splits that find_folders() finds in `options.data_dir`. The evaluation images have the classes of
/// train, matched by name, and may lack some. Throws ErrorCode::data when a folder is missing or evaluation
/// has images of other classes. Without an evaluation folder, `eval` is empty.
DataSplits open_folder(const DataOptions& options);

}  // namespace salu
