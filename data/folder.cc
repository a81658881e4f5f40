// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/files.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

// Refuses a split with fewer than two classes, or with an empty one.
Listing full_listing(Listing listing) {
  const std::vector<std::string>& names = listing.classes;
  if (names.size() < 2) {
    fail(ErrorCode::data, "{}: {} class folder{}{}{}; expected at least 2, each with its images",
         shown(listing.root), names.size(), names.size() == 1 ? "" : "s", names.empty() ? "" : ": ",
         first_names(names));
  }
  if (const auto empty = empty_classes(listing); !empty.empty()) {
    fail(ErrorCode::data,
         "{}: {} class{} without images: {}; expected files that end in .jpg, .jpeg, "
         ".jpe, .jfif, .png, .bmp, .ppm or .pgm in each",
         shown(listing.root), empty.size(), empty.size() == 1 ? "" : "es", first_names(empty));
  }
  return listing;
}

void check_same_classes(const std::vector<std::string>& a, const fs::path& train_root,
                        const std::vector<std::string>& b, const fs::path& eval_root) {
  if (a == b) return;
  const auto listed = [](const std::vector<std::string>& names) {
    return names.empty() ? std::string("none") : first_names(names);
  };
  fail(ErrorCode::data, "{}: classes differ from {}; only in train: {}; only in {}: {}", shown(eval_root),
       shown(train_root), listed(only_in(a, b)), shown(eval_root.filename()), listed(only_in(b, a)));
}

// The side of the first readable image, or the default when it is large. Unreadable images are left to the
// loader unless there are many.
int native_size(const Dataset& data) {
  constexpr int kSmall = 64, kUsual = 224;
  for (std::int64_t i = 0;; ++i) {
    try {
      const ImageSize size = data.image(i).size();
      const int side = std::min(size.height, size.width);
      return side > kSmall ? kUsual : side;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::data || i >= data.size() / 100) throw;
    }
  }
}

}  // namespace

FolderDataset::FolderDataset(std::string name, Listing listing, const DecodeOptions& decode,
                             std::int64_t cache_bytes)
    : Dataset(std::move(name), std::move(listing.classes)),
      root_(std::move(listing.root)),
      files_(std::move(listing.files)),
      decode_(decode),
      room_(cache_bytes) {
  Fingerprint f;
  f.add("folder").add(files_.size());
  for (const ListedFile& file : files_) {
    f.add(file.path).add(static_cast<std::uint64_t>(file.bytes)).add(static_cast<std::uint64_t>(file.label));
  }
  f.add(jpeg_decoder());  // another decoder gives other pixels
  if (decode.exif == ExifOrientation::apply) f.add("turned");
  fingerprint_ = f.value();
}

FolderDataset::FolderDataset(std::string name, const fs::path& root, const DecodeOptions& decode,
                             std::int64_t cache_bytes)
    : FolderDataset(std::move(name), full_listing(list_class_folders(root)), decode, cache_bytes) {}

std::unique_ptr<ImageSource> FolderDataset::open_file(std::int64_t index) const {
  const fs::path file_path = path(index);
  std::vector<std::uint8_t> bytes = read_regular_file(file_path, decode_.max_bytes);
  if (static_cast<std::int64_t>(bytes.size()) != file(index).bytes) {
    fail(ErrorCode::data, "{}: {} bytes; no longer matches the manifest taken at the start ({} bytes)",
         shown(file_path), bytes.size(), file(index).bytes);
  }
  return std::make_unique<EncodedImage>(std::move(bytes), file_path.string(), decode_);
}

bool FolderDataset::has_room(std::int64_t bytes) const {
  return bytes < room_ && (!cache_.empty() || bytes * size() < room_);
}

std::unique_ptr<ImageSource> FolderDataset::open(std::int64_t index) const {
  const auto position = static_cast<std::size_t>(index);
  {
    const std::lock_guard lock(mutex_);
    if (!cache_.empty() && cache_.at(position)) return std::make_unique<DecodedImage>(cache_[position]);
  }
  std::unique_ptr<ImageSource> encoded = open_file(index);
  const auto bytes = std::int64_t{3} * encoded->size().height * encoded->size().width;
  {
    const std::lock_guard lock(mutex_);
    if (!has_room(bytes)) return encoded;
  }
  const auto image = std::make_shared<const Image>(to_image(encoded->whole()));
  const std::lock_guard lock(mutex_);
  if (cache_.empty()) cache_.resize(files_.size());
  if (!cache_[position] && has_room(bytes)) {
    cache_[position] = image;
    room_ -= bytes;
    ++cached_;
  }
  return std::make_unique<DecodedImage>(image);
}

std::int64_t FolderDataset::cached() const {
  const std::lock_guard lock(mutex_);
  return cached_;
}

DataSplits open_folder(const DataOptions& options) {
  const fs::path& root = options.data_dir;
  if (root.empty()) fail(ErrorCode::usage, "--data-dir: not given; expected the folder above train");
  fs::path base = root.lexically_normal();
  if (!base.has_filename()) base = base.parent_path();
  const std::string name = "folder:" + base.filename().string();

  const FolderLayout layout = find_folders(root, options.train_split, options.val_split.value_or(""));
  DataSplits splits;
  const auto train = std::make_shared<FolderDataset>(name, layout.train, options.decode);
  splits.train = train;
  if (!layout.eval.empty() && options.val_from_train == 0) {
    Listing listing = full_listing(list_eval(layout, train->class_names()));
    check_same_classes(train->class_names(), layout.train, listing.classes, layout.eval);
    splits.eval = std::make_shared<FolderDataset>(name, std::move(listing), options.decode);
    splits.eval_name = layout.eval_name;
  }
  splits.img_size = native_size(*train);
  splits.mean = {0.485f, 0.456f, 0.406f};  // ImageNet's
  splits.std = {0.229f, 0.224f, 0.225f};
  return splits;
}

}  // namespace salu
