// SPDX-License-Identifier: MIT
#include "data/listing.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/file_ops.h"
#include "core/text.h"
#include "data/files.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMaps[] = {"val_map.txt", "LOC_val_solution.csv"};
constexpr const char* kNoExtension = "without extension";

bool hidden(const fs::path& name) { return name.native().starts_with('.'); }

template <std::size_t n>
bool is_among(const std::string& name, const char* const (&names)[n]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_image(const fs::path& path) { return is_among(lower(path.extension().string()), kImageExtensions); }

void count_unread(Listing& listing, const fs::path& path) {
  constexpr const char* kOfWindows[] = {"thumbs.db", "desktop.ini"};
  const std::string extension = lower(path.extension().string());
  if (is_among(lower(path.filename().string()), kOfWindows) || is_among(path.filename().string(), kMaps))
    return;
  ++listing.unread[extension.size() < 2 ? kNoExtension : extension];
}

bool is_dangling(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.is_symlink(error) && !entry.exists(error);
}

// Entries of a folder except hidden ones.
std::vector<fs::directory_entry> entries(const fs::path& folder) {
  std::vector<fs::directory_entry> list;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  while (!error && it != fs::directory_iterator()) {
    if (!hidden(it->path().filename())) list.push_back(*it);
    it.increment(error);
  }
  if (error) {
    fail(ErrorCode::data, "{}: cannot be listed: {}; expected a folder", shown(folder), error.message());
  }
  return list;
}

// Sub-folders in byte order (unsigned): the same on every machine and in every locale.
std::vector<std::string> subfolders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries(folder)) {
    std::error_code error;
    if (entry.is_directory(error) || is_dangling(entry)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ListedFile listed(const fs::directory_entry& entry, const fs::path& path, int label) {
  std::error_code error;
  const bool regular = entry.is_regular_file(error);
  return {path.string(), regular ? static_cast<std::int64_t>(entry.file_size(error)) : -1, label};
}

void sort_files(std::vector<ListedFile>& files) {
  std::sort(files.begin(), files.end(), [](const ListedFile& a, const ListedFile& b) {
    return std::tie(a.label, a.path) < std::tie(b.label, b.path);
  });
}

fs::path without_links(const fs::path& folder) {
  std::error_code error;
  fs::path real = fs::canonical(folder, error);
  if (error) fail(ErrorCode::data, "{}: cannot be followed: {}", shown(folder), error.message());
  return real;
}

bool contains(const fs::path& folder, const fs::path& other) {
  return std::mismatch(folder.begin(), folder.end(), other.begin(), other.end()).first == folder.end();
}

struct Folder {
  fs::path path;              // relative to the listing's root
  fs::path real;              // `path` with links resolved
  std::vector<fs::path> way;  // real paths of root, class, ... through which links led here
};

// Images may lie deeper than the class folder and behind links, as torchvision allows. A link to an ancestor
// is not followed, and no folder is entered twice: a folder's own name has priority over links to it, and the
// first of several links over the others.
class ClassWalk {
 public:
  ClassWalk(Listing& listing, int label) : listing_(listing), label_(label) {}

  void run() {
    const fs::path& root = listing_.root;
    const fs::path name = listing_.classes[static_cast<std::size_t>(label_)];
    if (is_dangling(fs::directory_entry(root / name))) return;
    links_[name] = {name, without_links(root / name), {without_links(root)}};
    while (!links_.empty()) {
      folders_.push_back(std::move(links_.extract(links_.begin()).mapped()));
      while (!folders_.empty()) list_next();
    }
  }

 private:
  void list_next() {
    const Folder folder = std::move(folders_.back());
    folders_.pop_back();
    if (!seen_.insert(folder.real).second) return;
    for (const fs::directory_entry& entry : entries(listing_.root / folder.path)) {
      const fs::path path = folder.path / entry.path().filename();
      std::error_code error;
      if (is_image(path) || is_dangling(entry)) {
        listing_.files.push_back(listed(entry, path, label_));
      } else if (entry.is_directory(error)) {
        add_folder(folder, path, entry.is_symlink(error));
      } else {
        count_unread(listing_, path);
      }
    }
  }

  void add_folder(const Folder& parent, const fs::path& path, bool link) {
    if (!link) {
      folders_.push_back({path, parent.real / path.filename(), parent.way});
      return;
    }
    Folder target{path, without_links(listing_.root / path), parent.way};
    target.way.push_back(parent.real);
    const bool circle = std::ranges::any_of(
        target.way, [&](const fs::path& passed) { return contains(target.real, passed); });
    if (!circle) links_[path] = std::move(target);
  }

  Listing& listing_;
  int label_;
  std::vector<Folder> folders_;       // listed before the next link is followed
  std::map<fs::path, Folder> links_;  // sorted by path, so that the order does not depend on the disk
  std::set<fs::path> seen_;           // real paths
};

struct MapLine {
  int number = 0;  // from 1
  std::string name, class_name;
};

// "NAME CLASS" is split at its tab, or else at its last blank. "ImageId,CLASS x y x y CLASS ..." names the
// class of each box; the first counts.
std::vector<MapLine> read_map(const fs::path& map) {
  const bool csv = map.extension() == ".csv";
  std::vector<MapLine> lines;
  int number = 0;
  for (std::string line : read_lines(map, ErrorCode::data)) {
    ++number;
    line.erase(line.find_last_not_of(" \t") + 1);
    const std::vector<std::string> fields = csv_fields(csv ? line : "");
    if (line.empty() || (csv && number == 1 && fields[0] == "ImageId")) continue;
    const std::size_t tab = line.find('\t'), cut = tab != line.npos ? tab : line.rfind(' ');
    if (csv ? fields.size() < 2 || fields[0].empty() : cut == line.npos || cut == 0) {
      fail(ErrorCode::data, "{}: line {}: '{}'; expected {}", shown(map), number, line,
           csv ? "ImageId,CLASS x y x y" : "NAME CLASS");
    }
    if (csv) {
      lines.push_back({number, fields[0], fields[1].substr(0, fields[1].find(' '))});
    } else {
      lines.push_back({number, line.substr(0, cut), line.substr(cut + 1)});
    }
  }
  return lines;
}

using Labels = std::map<std::string, MapLine, std::less<>>;

Labels labels_by_name(const fs::path& map, const std::vector<std::string>& classes) {
  const std::set<std::string> known(classes.begin(), classes.end());
  Labels labels;
  for (MapLine& line : read_map(map)) {
    if (!known.contains(line.class_name)) {
      fail(ErrorCode::data, "{}: line {}: class '{}' is none of the {} classes of train ({})", shown(map),
           line.number, line.class_name, classes.size(), first_names(classes));
    }
    const auto [it, added] = labels.try_emplace(line.name, line);
    if (!added) {
      fail(ErrorCode::data, "{}: lines {} and {} are both about {}", shown(map), it->second.number,
           line.number, line.name);
    }
  }
  return labels;
}

fs::path find_map(const FolderLayout& layout) {
  std::error_code error;
  for (const fs::path& place : {layout.eval, layout.eval.parent_path(), layout.dir}) {
    for (const char* name : kMaps) {
      if (fs::is_regular_file(place / name, error)) return place / name;
    }
  }
  fail(ErrorCode::data,
       "{}: images without class folders, and no map; expected {} (lines 'NAME CLASS') or Kaggle's {} "
       "in it, beside it or in {}. Or move each image into a folder with the name of its class",
       shown(layout.eval), kMaps[0], kMaps[1], shown(layout.dir));
}

// True for ImageNet's validation images, which come without class folders.
bool is_flat(const fs::path& folder) {
  const std::vector<fs::directory_entry> list = entries(folder);
  const auto directory = [](const fs::directory_entry& entry) {
    std::error_code error;
    return !is_image(entry.path()) && entry.is_directory(error);
  };
  return std::none_of(list.begin(), list.end(), directory) &&
         std::any_of(list.begin(), list.end(), [](const auto& entry) { return is_image(entry.path()); });
}

}  // namespace

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    const bool blank = names[i].starts_with(' ') || names[i].ends_with(' ');
    text += (i ? ", " : "") + (blank ? "'" + names[i] + "'" : names[i]);
  }
  return names.size() > kShown ? text + ", ..." : text;
}

std::vector<std::string> only_in(const std::vector<std::string>& some,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> out;
  std::set_difference(some.begin(), some.end(), others.begin(), others.end(), std::back_inserter(out));
  return out;
}

Listing list_class_folders(const fs::path& root) {
  Listing listing{root, subfolders(root), {}, {}};
  for (std::size_t c = 0; c < listing.classes.size(); ++c) {
    ClassWalk(listing, static_cast<int>(c)).run();
  }
  sort_files(listing.files);
  return listing;
}

Listing list_flat(const fs::path& root, const fs::path& map, const std::vector<std::string>& classes) {
  Labels labels = labels_by_name(map, classes);
  Listing listing{root, classes, {}, {}};
  for (const fs::directory_entry& entry : entries(root)) {
    const fs::path name = entry.path().filename();
    if (!is_image(name)) count_unread(listing, name);
    if (!is_image(name)) continue;
    auto it = labels.find(name.string());
    if (it == labels.end()) it = labels.find(name.stem().string());
    if (it == labels.end()) {
      fail(ErrorCode::data, "{}: not in {}; expected a line for each image", shown(entry.path()), shown(map));
    }
    const auto label = std::lower_bound(classes.begin(), classes.end(), it->second.class_name);
    listing.files.push_back(listed(entry, name, static_cast<int>(label - classes.begin())));
    labels.erase(it);
  }
  if (!labels.empty()) {
    fail(ErrorCode::data, "{}: line {}: no image {} in {} ({} such lines); expected all that the map names",
         shown(map), labels.begin()->second.number, labels.begin()->first, shown(root), labels.size());
  }
  sort_files(listing.files);
  return listing;
}

std::vector<std::string> empty_classes(const Listing& listing) {
  std::vector<bool> used(listing.classes.size());
  for (const ListedFile& file : listing.files) used[static_cast<std::size_t>(file.label)] = true;
  std::vector<std::string> empty;
  for (std::size_t c = 0; c < used.size(); ++c) {
    if (!used[c]) empty.push_back(listing.classes[c]);
  }
  return empty;
}

Listing with_classes(Listing listing, const std::vector<std::string>& classes) {
  for (ListedFile& file : listing.files) {
    const std::string& name = listing.classes[static_cast<std::size_t>(file.label)];
    file.label = static_cast<int>(std::ranges::lower_bound(classes, name) - classes.begin());
  }
  listing.classes = classes;
  return listing;
}

std::string unread_text(const Listing& listing) {
  constexpr std::size_t kShown = 6;
  std::vector<std::pair<std::int64_t, std::string>> kinds;
  for (const auto& [kind, count] : listing.unread) kinds.emplace_back(-count, kind);
  std::sort(kinds.begin(), kinds.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(kinds.size(), kShown); ++i) {
    text += fmt::format("{}{} {}", i ? ", " : "", -kinds[i].first, kinds[i].second);
  }
  return kinds.size() > kShown ? text + ", ..." : text;
}

std::vector<std::string> unread_images(const Listing& listing) {
  constexpr const char* kOther[] = {".webp", ".gif", ".tif", ".tiff",      ".heic",     ".heif",
                                    ".avif", ".jp2", ".j2k", ".jxl",       ".svg",      ".tga",
                                    ".pbm",  ".pnm", ".dib", ".jpg_large", ".psd",      ".dng",
                                    ".cr2",  ".nef", ".arw", ".ico",       kNoExtension};
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : listing.unread) {
    if (is_among(kind, kOther)) kinds.push_back(kind);
  }
  return kinds;
}

FolderLayout find_folders(const fs::path& dir, const std::string& train, const std::string& eval) {
  refuse_archive(dir);
  std::error_code error;
  for (const fs::path& base : {dir, dir / "ILSVRC/Data/CLS-LOC", dir / "Data/CLS-LOC"}) {
    if (!fs::is_directory(base / train, error)) continue;
    FolderLayout layout{dir, base / train, {}, {}};
    std::vector<std::string> names(std::begin(kEvalNames), std::end(kEvalNames));
    if (!eval.empty()) names = {eval};
    for (const std::string& name : names) {
      if (!fs::is_directory(base / name, error)) continue;
      layout.eval = base / name;
      layout.eval_name = name == "test" ? "test" : "val";
      return layout;
    }
    if (!eval.empty())
      fail(ErrorCode::data, "{}: no folder {}; expected the one of --val-split", shown(base), eval);
    return layout;
  }
  // Listing the folder throws a better reason, if there is one.
  fail(ErrorCode::data,
       "{}: no folder {}{}; expected {}/<class>/<image>. Name other folders with --train-split and "
       "--val-split",
       shown(dir), train, did_you_mean(train, subfolders(dir)), train);
}

Listing list_eval(const FolderLayout& layout, const std::vector<std::string>& classes) {
  return is_flat(layout.eval) ? list_flat(layout.eval, find_map(layout), classes)
                              : list_class_folders(layout.eval);
}

}  // namespace salu
