// SPDX-License-Identifier: MIT
#include "data/cifar.h"

#include <span>

#include "core/error.h"
#include "core/file_ops.h"
#include "core/text.h"
#include "data/files.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPlane = CifarDataset::kSide * CifarDataset::kSide;
constexpr std::int64_t kTrainSize = 50000, kTestSize = 10000;

struct Layout {
  const char* name;
  const char* folder;
  const char* python_folder;
  const char* archive_prefix;
  const char* names_file;
  std::size_t classes, coarse_classes;  // coarse_classes 0: no coarse label
  std::vector<std::string> train_files;
  std::string test_file;
  const char* to_binary;  // Python code that writes the pickled file `f`, loaded as `d`, in the binary format
  // Python code that writes the file of class names, where the built-in names are not enough
  const char* to_names;

  std::size_t label_bytes() const { return coarse_classes ? 2 : 1; }
};

const Layout& layout_of(Cifar kind) {
  static const Layout ten = {
      "cifar10",
      "cifar-10-batches-bin",
      "cifar-10-batches-py",
      "cifar-10-",
      "batches.meta.txt",
      10,
      0,
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      "test_batch.bin",
      "bytes([l])+r.tobytes() for l,r in zip(d[b'labels'],d[b'data'])",
      ""};
  static const Layout hundred = {
      "cifar100",
      "cifar-100-binary",
      "cifar-100-python",
      "cifar-100-",
      "fine_label_names.txt",
      100,
      20,
      {"train.bin"},
      "test.bin",
      "bytes([c,l])+r.tobytes() for c,l,r in zip(d[b'coarse_labels'],d[b'fine_labels'],d[b'data'])",
      "; "
      "open('fine_label_names.txt','w').write('\\n'.join(pickle.load(open('meta','rb'))['fine_label_names'])"
      ")"};
  return kind == Cifar::ten ? ten : hundred;
}

std::vector<std::string> all_files(const Layout& layout) {
  std::vector<std::string> files = layout.train_files;
  files.push_back(layout.test_file);
  return files;
}

// The non-empty lines of the names file when there are as many as classes; else built-in names.
std::vector<std::string> names_of_classes(const Layout& layout, const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  // Never opens a pipe, which would block until something writes to it.
  if (!folder.empty() && fs::is_regular_file(folder / layout.names_file, error))
    names = read_lines(folder / layout.names_file, ErrorCode::data);
  for (std::string& line : names) line.erase(line.find_last_not_of(' ') + 1);
  std::erase(names, "");
  if (names.size() == layout.classes) return names;
  if (layout.classes == 10) {
    return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  }
  names.clear();
  for (std::size_t c = 0; c < layout.classes; ++c) names.push_back(fmt::format("class{:02}", c));
  return names;
}

std::vector<std::uint8_t> read_records(const fs::path& file, std::size_t count, std::size_t record_bytes) {
  const std::size_t expected = count * record_bytes;
  std::error_code error;
  const std::uintmax_t found = fs::file_size(file, error);  // before reading: the file may have any size
  if (!error && found != expected) {
    fail(ErrorCode::data, "{}: {} bytes; expected {} x {} = {} ({})", shown(file), found, count, record_bytes,
         expected, found < expected ? "truncated download?" : "another version?");
  }
  std::vector<std::uint8_t> bytes = read_regular_file(file, static_cast<std::int64_t>(expected));
  if (bytes.size() != expected) fail(ErrorCode::data, "{}: changed while it was read", shown(file));
  return bytes;
}

void check_labels(const Layout& layout, std::span<const std::uint8_t> records, const std::string& file) {
  const std::size_t record_bytes = layout.label_bytes() + 3 * kPlane;
  for (std::size_t i = 0; i < records.size() / record_bytes; ++i) {
    const std::uint8_t coarse = records[i * record_bytes],
                       label = records[i * record_bytes + layout.label_bytes() - 1];
    if (layout.coarse_classes && coarse >= layout.coarse_classes) {
      fail(ErrorCode::data, "{}: record {}: coarse label {}; expected 0..{}", file, i, coarse,
           layout.coarse_classes - 1);
    }
    if (label >= layout.classes) {
      fail(ErrorCode::data, "{}: record {}: label {}; expected 0..{}", file, i, label, layout.classes - 1);
    }
  }
}

void refuse_python_version(const Layout& layout, const fs::path& folder) {
  std::string files;
  std::error_code error;
  for (const std::string& file : all_files(layout)) {
    const std::string pickled = fs::path(file).stem().string();
    if (!fs::is_regular_file(folder / pickled, error)) return;
    files += (files.empty() ? "'" : ",'") + pickled + "'";
  }
  fail(ErrorCode::data,
       "{}: is the Python version of CIFAR; expected the binary one: salutrain reads the binary version and "
       "never unpickles. Convert it, in that folder: python3 -c \"import pickle; "
       "[open(f+'.bin','wb').write(b''.join({})) for f in [{}] "
       "for d in [pickle.load(open(f,'rb'),encoding='bytes')]]{}\"",
       shown(folder), layout.to_binary, files, layout.to_names);
}

// The folder with the .bin files; else throws an error that says what is there instead.
fs::path find_folder(const Layout& layout, const fs::path& dir) {
  if (dir.empty()) {
    fail(ErrorCode::usage, "--data-dir: not given; expected the folder above {}", layout.folder);
  }
  std::error_code error;
  const fs::file_status status = fs::status(dir, error);
  if (!fs::exists(status))
    fail(ErrorCode::data, "{}: {}", shown(dir), error ? error.message() : "does not exist");
  refuse_archive(dir);
  if (!fs::is_directory(status)) fail(ErrorCode::data, "{}: is a file; expected a folder", shown(dir));

  const fs::path candidates[] = {dir, dir / layout.folder, dir / layout.python_folder};
  for (const fs::path& folder : candidates) {
    for (const std::string& file : all_files(layout)) {
      if (fs::exists(folder / file, error)) return folder;
    }
  }
  for (const fs::path& folder : candidates) refuse_python_version(layout, folder);
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with(layout.archive_prefix)) refuse_archive(it->path());
  }
  if (error) fail(ErrorCode::data, "{}: cannot be listed: {}", shown(dir), error.message());
  fail(ErrorCode::data, "{}: no {}; expected it here or in {}/. Unpack the binary version there", shown(dir),
       layout.test_file, layout.folder);
}

}  // namespace

CifarDataset::CifarDataset(Cifar kind, const fs::path& folder, bool train)
    : Dataset(layout_of(kind).name, names_of_classes(layout_of(kind), folder)),
      label_bytes_(layout_of(kind).label_bytes()),
      record_bytes_(label_bytes_ + 3 * kPlane) {
  const Layout& layout = layout_of(kind);
  const std::vector<std::string> files = train ? layout.train_files : std::vector{layout.test_file};
  const std::size_t count = (train ? kTrainSize : kTestSize) / files.size();
  records_.reserve(files.size() * count * record_bytes_);
  for (const std::string& file : files) {
    const std::vector<std::uint8_t> bytes = read_records(folder / file, count, record_bytes_);
    check_labels(layout, bytes, shown(folder / file));
    records_.insert(records_.end(), bytes.begin(), bytes.end());
  }

  Fingerprint f;
  f.add(layout.name).add(train ? "train" : "test").add(static_cast<std::uint64_t>(size()));
  for (std::int64_t i = 0; i < size(); ++i) f.add(static_cast<std::uint64_t>(label(i)));
  fingerprint_ = f.value();
}

CifarDataset::CifarDataset(Cifar kind, std::vector<std::uint8_t> records, const std::string& file)
    : Dataset(layout_of(kind).name, names_of_classes(layout_of(kind), {})),
      label_bytes_(layout_of(kind).label_bytes()),
      record_bytes_(label_bytes_ + 3 * kPlane),
      records_(std::move(records)) {
  if (records_.size() % record_bytes_ != 0) {
    fail(ErrorCode::data, "{}: {} bytes; expected a multiple of {}", file, records_.size(), record_bytes_);
  }
  check_labels(layout_of(kind), records_, file);
}

const std::uint8_t* CifarDataset::record(std::int64_t index) const {
  check(index >= 0 && index < size(), "[cifar] expected an index below {}, got {}", size(), index);
  return records_.data() + static_cast<std::size_t>(index) * record_bytes_;
}

std::unique_ptr<ImageSource> CifarDataset::open(std::int64_t index) const {
  const std::uint8_t* red = record(index) + label_bytes_;
  const std::uint8_t *green = red + kPlane, *blue = green + kPlane;
  Image image(kSide, kSide);
  std::uint8_t* rgb = image.pixels.data();
  for (std::size_t i = 0; i < kPlane; ++i, rgb += 3) {
    rgb[0] = red[i];
    rgb[1] = green[i];
    rgb[2] = blue[i];
  }
  return decoded_image(std::move(image));
}

DataSplits open_cifar(Cifar kind, const DataOptions& options) {
  const fs::path folder = find_folder(layout_of(kind), options.data_dir);
  DataSplits splits;
  splits.train = std::make_shared<CifarDataset>(kind, folder, true);
  if (options.val_from_train == 0) {
    splits.eval = std::make_shared<CifarDataset>(kind, folder, false);
    splits.eval_name = "test";
  }
  splits.img_size = CifarDataset::kSide;
  if (kind == Cifar::ten) {
    splits.mean = {0.4914f, 0.4822f, 0.4465f};
    splits.std = {0.2470f, 0.2435f, 0.2616f};
  } else {
    splits.mean = {0.5071f, 0.4865f, 0.4409f};
    splits.std = {0.2673f, 0.2564f, 0.2762f};
  }
  return splits;
}

}  // namespace salu
