// SPDX-License-Identifier: MIT
#include "data/verify.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/files.h"
#include "data/listing.h"
#include "data/pack.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

struct Item {
  std::string place;
  int label = 0;
  bool eval = false;
};

/// The result of reading an item.
struct Scanned {
  std::uint64_t hash = 0;
  std::string trouble;  // empty: readable
};

std::uint64_t hash_of(const std::vector<std::uint8_t>& bytes) {
  return Fingerprint()
      .add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()))
      .value();
}

/// Reads the items block by block, showing progress in between. `read` returns the hash of an item's content,
/// or throws.
template <class Read>
std::vector<Scanned> scan(std::int64_t count, const Read& read,
                          const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr std::int64_t kBlock = 256;
  std::vector<Scanned> out(static_cast<std::size_t>(count));
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t size = std::min(kBlock, count - first);
    parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = first + begin; i < first + end; ++i) {
        Scanned& scanned = out[static_cast<std::size_t>(i)];
        try {
          scanned.hash = read(i);
        } catch (const Error& e) {
          if (e.code() != ErrorCode::data) throw;
          scanned.trouble = e.what();
        }
      }
    });
    if (progress) progress(first + size, count);
  }
  return out;
}

void judge(const std::vector<Item>& items, const std::vector<Scanned>& scanned, Verification& out) {
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!scanned[i].trouble.empty()) {
      out.findings.push_back({Problem::unreadable, scanned[i].trouble});
      continue;
    }
    // Compares with the first occurrence in each split and class: n copies are n - 1 findings.
    std::vector<std::size_t>& copies = seen[scanned[i].hash];
    bool known = false;
    for (const std::size_t j : copies) {
      const Problem problem = items[i].eval != items[j].eval     ? Problem::overlap
                              : items[i].label != items[j].label ? Problem::contradiction
                                                                 : Problem::duplicate;
      out.findings.push_back({problem, fmt::format("{} = {}", items[j].place, items[i].place)});
      known = known || problem == Problem::duplicate;
    }
    if (!known) copies.push_back(i);
  }
}

void check_kinds(const Listing& listing, const std::string& split, Verification& out) {
  if (!listing.unread.empty()) out.unread.push_back(fmt::format("{}: {}", split, unread_text(listing)));
  for (const std::string& kind : unread_images(listing)) {
    out.findings.push_back(
        {Problem::other_kind, fmt::format("{}: {} {}; expected {}", split, listing.unread.at(kind), kind,
                                          fmt::join(kImageExtensions, ", "))});
  }
}

void check_classes(const Listing& listing, const std::string& split, Verification& out) {
  for (const std::string& name : empty_classes(listing)) {
    out.findings.push_back({Problem::classes, fmt::format("{}: class {} is empty", split, name)});
  }
}

void compare_classes(const Listing& train, const std::string& train_name, const Listing& eval,
                     const std::string& eval_name, Verification& out) {
  for (const std::string& name : only_in(train.classes, eval.classes)) {
    out.findings.push_back({Problem::classes, fmt::format("class {} is in {} only", name, train_name)});
  }
  for (const std::string& name : only_in(eval.classes, train.classes)) {
    out.findings.push_back({Problem::classes, fmt::format("class {} is in {} only", name, eval_name)});
  }
}

// The listing of the evaluation split; a map that does not fit becomes a finding.
Listing eval_listing(const FolderLayout& layout, const Listing& train, Verification& out) {
  if (layout.eval.empty()) return {};
  const std::string split = layout.eval.filename().string();
  try {
    Listing eval = list_eval(layout, train.classes);
    check_kinds(eval, split, out);
    check_classes(eval, split, out);
    compare_classes(train, layout.train.filename().string(), eval, split, out);
    return eval;
  } catch (const Error& e) {
    out.findings.push_back({Problem::classes, e.what()});
    return {};
  }
}

Verification verify_folder(const DataOptions& options,
                           const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const FolderLayout layout =
      find_folders(options.data_dir, options.train_split, options.val_split.value_or(""));
  const std::string split = layout.train.filename().string();
  Verification out;
  const Listing train = list_class_folders(layout.train);
  if (train.classes.size() < 2) {
    out.findings.push_back(
        {Problem::classes, fmt::format("{}: {} class{}; expected at least 2", split, train.classes.size(),
                                       train.classes.size() == 1 ? "" : "es")});
  }
  check_kinds(train, split, out);
  check_classes(train, split, out);
  const Listing eval = eval_listing(layout, train, out);
  out.classes = static_cast<std::int64_t>(train.classes.size());
  out.train = static_cast<std::int64_t>(train.files.size());
  out.eval = static_cast<std::int64_t>(eval.files.size());

  std::vector<Item> items;
  std::vector<fs::path> paths;
  for (const Listing* listing : {&train, &eval}) {
    for (const ListedFile& file : listing->files) {
      // Classes that only evaluation has get numbers of their own, because only splits are compared there.
      paths.push_back(listing->root / file.path);
      items.push_back({paths.back().string(), file.label, listing == &eval});
    }
  }
  std::atomic<std::int64_t> turned = 0;
  const auto read = [&](std::int64_t i) {
    const fs::path& path = paths[static_cast<std::size_t>(i)];
    const std::vector<std::uint8_t> bytes = read_regular_file(path, options.decode.max_bytes);
    if (image_head(bytes, path.string(), options.decode).orientation != 1) ++turned;
    decode_image(bytes, path.string(), options.decode);
    return hash_of(bytes);
  };
  judge(items, scan(out.train + out.eval, read, progress), out);
  out.turned = turned;
  return out;
}

Verification verify_pack(const fs::path& path,
                         const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const Pack pack(path);
  Verification out;
  out.classes = static_cast<std::int64_t>(pack.classes.size());
  out.train = pack.splits[0].count;
  out.eval = pack.size() - out.train;
  std::vector<Item> items;
  for (std::int64_t i = 0; i < pack.size(); ++i) {
    items.push_back({pack.place(i), pack.label(i), i >= out.train});
  }
  judge(items,
        scan(
            pack.size(), [&](std::int64_t i) { return hash_of(to_image(pack.view(i)).pixels); }, progress),
        out);
  return out;
}

}  // namespace

const char* name_of(Problem problem) {
  constexpr const char* kNames[kProblems] = {"classes",
                                             "unreadable",
                                             "not read",
                                             "same content in two classes",
                                             "same content in training and evaluation",
                                             "same content twice"};
  return kNames[static_cast<std::size_t>(problem)];
}

Verification verify_data(const DataOptions& options,
                         const std::function<void(std::int64_t done, std::int64_t all)>& progress) {
  std::error_code error;
  const bool pack = fs::is_regular_file(options.data_dir, error);
  if (pack && (options.train_split != "train" || options.val_split)) {
    fail(ErrorCode::usage, "--train-split, --val-split: {} has splits of its own; expected a folder",
         shown(options.data_dir));
  }
  Verification out = pack ? verify_pack(options.data_dir, progress) : verify_folder(options, progress);
  std::stable_sort(out.findings.begin(), out.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.problem < b.problem; });
  return out;
}

}  // namespace salu
