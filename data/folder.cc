// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include <algorithm>
#include <cctype>

#include "core/error.h"
#include "data/decode.h"
#include "data/fingerprint.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return escaped(path.string()); }

[[noreturn]] void fail_listing(const fs::path& folder, const std::string& reason) {
  fail(ErrorCode::data, "{}: cannot be listed: {}; expected a folder", shown(folder), reason);
}

bool hidden(const fs::path& name) { return name.native().starts_with('.'); }

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr const char* kKnown[] = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};
  return std::find(std::begin(kKnown), std::end(kKnown), extension) != std::end(kKnown);
}

// Entries of a folder without the hidden ones.
std::vector<fs::directory_entry> entries(const fs::path& folder) {
  std::vector<fs::directory_entry> list;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  while (!error && it != fs::directory_iterator()) {
    if (!hidden(it->path().filename())) list.push_back(*it);
    it.increment(error);
  }
  if (error) fail_listing(folder, error.message());
  return list;
}

// Order of bytes, as unsigned: the same on every machine and in every locale.
std::vector<std::string> subfolders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries(folder)) {
    std::error_code error;
    if (entry.is_directory(error)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i ? ", " : "") + escaped(names[i]);
  }
  return names.size() > kShown ? text + ", ..." : text;
}

std::vector<std::string> classes_of(const fs::path& root) {
  std::vector<std::string> names = subfolders(root);
  if (names.size() < 2) {
    fail(ErrorCode::data, "{}: {} class folders{}{}; expected at least 2, each with its pictures",
         shown(root), names.size(), names.empty() ? "" : ": ", first_names(names));
  }
  return names;
}

void check_same_classes(const Dataset& train, const fs::path& train_root, const Dataset& eval,
                        const fs::path& eval_root) {
  const auto only_in = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<std::string> out;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
    return out.empty() ? std::string("none") : first_names(out);
  };
  const auto& a = train.class_names();
  const auto& b = eval.class_names();
  if (a == b) return;
  fail(ErrorCode::data, "{}: classes differ from {}; only in train: {}; only in {}: {}", shown(eval_root),
       shown(train_root), only_in(a, b), shown(eval_root.filename()), only_in(b, a));
}

}  // namespace

FolderDataset::FolderDataset(std::string name, fs::path root, std::int64_t cache_bytes)
    : Dataset(std::move(name), classes_of(root)), root_(std::move(root)), room_(cache_bytes) {
  std::vector<std::string> empty;
  for (std::size_t c = 0; c < class_names_.size(); ++c) {
    const std::size_t before = files_.size();
    list_class(class_names_[c], static_cast<int>(c));
    if (files_.size() == before) empty.push_back(class_names_[c]);
  }
  if (!empty.empty()) {
    fail(ErrorCode::data,
         "{}: {} class folders without pictures: {}; expected .jpg, .jpeg, .png, .bmp, .ppm "
         "or .pgm files in each",
         shown(root_), empty.size(), first_names(empty));
  }
  Fingerprint f;
  f.add("folder").add(files_.size());
  for (const File& file : files_) f.add(file.path).add(static_cast<std::uint64_t>(file.bytes));
  fingerprint_ = f.value();
}

// Pictures may lie deeper than the class folder, as torchvision allows.
void FolderDataset::list_class(const std::string& class_name, int label) {
  const std::size_t first = files_.size();
  std::vector<fs::path> folders = {class_name};
  while (!folders.empty()) {
    const fs::path folder = folders.back();
    folders.pop_back();
    for (const fs::directory_entry& entry : entries(root_ / folder)) {
      const fs::path path = folder / entry.path().filename();
      std::error_code error;
      if (is_picture(path)) {
        if (!entry.is_regular_file(error)) {
          fail(ErrorCode::data, "{}: not a regular file{}{}", shown(entry.path()), error ? ": " : "",
               error ? error.message() : "");
        }
        files_.push_back({path.string(), static_cast<std::int64_t>(entry.file_size(error)), label});
      } else if (entry.is_directory(error) && !entry.is_symlink(error)) {
        folders.push_back(path);  // no links: they may lead in a circle
      }
    }
  }
  std::sort(files_.begin() + static_cast<std::ptrdiff_t>(first), files_.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
}

Image FolderDataset::decode(std::int64_t index) const {
  const fs::path file_path = path(index);
  const DecodeLimits limits;
  const std::vector<std::uint8_t> bytes = read_regular_file(file_path, limits.max_bytes);
  if (static_cast<std::int64_t>(bytes.size()) != file(index).bytes) {
    fail(ErrorCode::data, "{}: {} bytes; no longer matches the manifest taken at the start ({} bytes)",
         shown(file_path), bytes.size(), file(index).bytes);
  }
  return decode_image(bytes, file_path.string(), limits);
}

Image FolderDataset::image(std::int64_t index) const {
  const auto position = static_cast<std::size_t>(index);
  std::shared_ptr<const Image> kept;
  {
    const std::lock_guard lock(mutex_);
    if (!cache_.empty()) kept = cache_.at(position);
  }
  if (kept) return *kept;
  Image image = decode(index);
  const auto bytes = static_cast<std::int64_t>(image.pixels.size());
  const std::lock_guard lock(mutex_);
  if (cache_.empty() && bytes * size() < room_) cache_.resize(files_.size());
  if (!cache_.empty() && !cache_[position] && bytes < room_) {
    cache_[position] = std::make_shared<const Image>(image);
    room_ -= bytes;
    ++cached_;
  }
  return image;
}

std::int64_t FolderDataset::cached() const {
  const std::lock_guard lock(mutex_);
  return cached_;
}

DataSplits open_folder(const DataOptions& options) {
  const fs::path& root = options.data_dir;
  if (root.empty()) fail(ErrorCode::usage, "--data-dir: not given; expected the folder above train");
  std::error_code error;
  fs::path base = root.lexically_normal();
  if (!base.has_filename()) base = base.parent_path();
  const std::string name = "folder:" + base.filename().string();

  DataSplits splits;
  if (!fs::is_directory(root / "train", error)) {
    entries(root);  // a better reason, if there is one
    fail(ErrorCode::data, "{}: no folder train; expected train/<class>/<picture>", shown(root));
  }
  const auto train = std::make_shared<FolderDataset>(name, root / "train");
  splits.train = train;
  for (const char* candidate : {"val", "validation", "valid", "test"}) {
    if (options.val_from_train > 0 || !fs::is_directory(root / candidate, error)) continue;
    splits.eval = std::make_shared<FolderDataset>(name, root / candidate);
    splits.eval_name = std::string(candidate) == "test" ? "test" : "val";
    check_same_classes(*train, root / "train", *splits.eval, root / candidate);
    break;
  }
  const Image first = train->image(0);
  const int side = std::min(first.height, first.width);
  constexpr int kSmall = 64, kUsual = 224;
  splits.img_size = side > kSmall ? kUsual : side;
  splits.mean = {0.485f, 0.456f, 0.406f};  // ImageNet's
  splits.std = {0.229f, 0.224f, 0.225f};
  return splits;
}

}  // namespace salu
