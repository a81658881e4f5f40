// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/files.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

std::string extensions() { return fmt::format("{}", fmt::join(kImageExtensions, ", ")); }

// Refuses a split with fewer than two classes, or with an empty one.
Listing full_listing(Listing listing) {
  const std::vector<std::string>& names = listing.classes;
  if (names.size() < 2) {
    fail(ErrorCode::data, "{}: {} class folder{}{}{}; expected at least 2, each with its images",
         shown(listing.root), names.size(), names.size() == 1 ? "" : "s", names.empty() ? "" : ": ",
         first_names(names));
  }
  if (const auto empty = empty_classes(listing); !empty.empty()) {
    const std::string unread = unread_text(listing);
    fail(ErrorCode::data, "{}: {} class{} without images: {}; expected {} files in each{}",
         shown(listing.root), empty.size(), empty.size() == 1 ? "" : "es", first_names(empty), extensions(),
         unread.empty() ? "" : fmt::format(" ({} in the class folders are not read)", unread));
  }
  return listing;
}

// The listing with the classes of train. Classes of train may be missing; others may not have images.
Listing matched(Listing eval, const std::vector<std::string>& train, const fs::path& train_root) {
  const std::vector<std::string> used = only_in(eval.classes, empty_classes(eval));
  if (used.empty()) {
    fail(ErrorCode::data, "{}: no images in class folders; expected {}", shown(eval.root), extensions());
  }
  if (const std::vector<std::string> unknown = only_in(used, train); !unknown.empty()) {
    const std::vector<std::string> missing = only_in(train, used);
    fail(ErrorCode::data, "{}: classes differ from {}; only in train: {}; only in {}: {}", shown(eval.root),
         shown(train_root), missing.empty() ? "none" : first_names(missing), shown(eval.root.filename()),
         first_names(unknown));
  }
  return with_classes(std::move(eval), train);
}

// Reading the first file that is no regular one throws the reason.
void refuse_irregular(const Listing& listing) {
  const auto found = std::ranges::find(listing.files, -1, &ListedFile::bytes);
  if (found != listing.files.end()) read_regular_file(listing.root / found->path, DecodeOptions().max_bytes);
}

// "train: 16 .webp, 8 .gif; val: 4 .webp"
std::string unread_note(const Listing& train, const Listing& eval) {
  std::string text;
  for (const Listing* listing : {&train, &eval}) {
    if (listing->unread.empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", shown(listing->root.filename()),
                        unread_text(*listing));
  }
  return text.empty() ? "" : fmt::format("not read: {}; expected {}", text, extensions());
}

// The side of the first readable image, or the default when it is large. Unreadable images are left to the
// loader unless there are many.
int native_size(const Dataset& data, BadImages policy) {
  constexpr int kSmall = 64, kUsual = 224;
  const std::int64_t few = policy == BadImages::stop ? 0 : std::min<std::int64_t>(9, data.size() - 1);
  const std::int64_t most = std::max(data.size() / 100, few);
  for (std::int64_t i = 0;; ++i) {
    try {
      const ImageSize size = data.image(i).size();
      const int side = std::min(size.height, size.width);
      return side > kSmall ? kUsual : side;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::data || i >= most) throw;
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
  Listing train = full_listing(list_class_folders(layout.train)), eval;
  if (!layout.eval.empty() && options.val_from_train == 0) {
    eval = matched(list_eval(layout, train.classes), train.classes, layout.train);
    splits.eval_name = layout.eval_name;
  }
  if (options.bad_images == BadImages::stop) {
    for (const Listing* listing : {&train, &eval}) refuse_irregular(*listing);
  }
  if (const std::string note = unread_note(train, eval); !note.empty()) splits.notes.push_back(note);
  splits.train = std::make_shared<FolderDataset>(name, std::move(train), options.decode);
  if (!eval.files.empty())
    splits.eval = std::make_shared<FolderDataset>(name, std::move(eval), options.decode);
  splits.img_size = native_size(*splits.train, options.bad_images);
  splits.mean = {0.485f, 0.456f, 0.406f};  // ImageNet's
  splits.std = {0.229f, 0.224f, 0.225f};
  return splits;
}

}  // namespace salu
