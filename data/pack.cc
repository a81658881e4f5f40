// SPDX-License-Identifier: MIT
#include "data/pack.h"

#include <cmath>
#include <cstring>

#include "core/crc32c.h"
#include "core/error.h"
#include "core/parallel.h"
#include "data/resize.h"

namespace salu {

namespace pack {

std::uint32_t seal(const Head& head, const Tail& tail) {
  const auto fields = std::as_bytes(std::span(&tail, 1)).first(offsetof(Tail, crc));
  return crc32c(fields, crc32c(std::as_bytes(std::span(&head, 1))));
}

}  // namespace pack

namespace {

/// The number or struct at a position of the file.
template <class T>
T value_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return out;
}

template <class... Args>
[[noreturn]] void refuse(const std::string& file, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::data, "{}: {}. Pack it again with salutrain pack", file,
       fmt::format(format, std::forward<Args>(args)...));
}

// The tail of a file, checked against its head.
pack::Tail checked_tail(std::span<const std::byte> bytes, const std::string& file) {
  const pack::Head expected_head;
  const pack::Tail expected_tail;
  if (bytes.size() < sizeof expected_head.magic ||
      std::memcmp(bytes.data(), expected_head.magic, sizeof expected_head.magic) != 0) {
    fail(ErrorCode::data, "{}: is not a packed data set; expected a file made by salutrain pack", file);
  }
  if (bytes.size() < sizeof(pack::Head) + sizeof(pack::Tail)) {
    refuse(file, "truncated at byte {}", bytes.size());
  }
  const auto head = value_at<pack::Head>(bytes, 0);
  const auto tail = value_at<pack::Tail>(bytes, bytes.size() - sizeof(pack::Tail));
  if (std::memcmp(tail.magic, expected_tail.magic, sizeof tail.magic) != 0) {
    refuse(file, "truncated at byte {}, or its end is damaged", bytes.size());
  }
  if (tail.crc != pack::seal(head, tail)) refuse(file, "the checksum of its head and tail differs (damaged)");
  if (head.version > expected_head.version) {
    fail(ErrorCode::data, "{}: written by a newer salutrain (format {}, this build reads 1)", file,
         head.version);
  }
  return tail;
}

/// Reads numbers and texts from front to back, never past the end.
class IndexReader {
 public:
  IndexReader(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(&file) {}

  bool at_end() const { return bytes_.empty(); }
  template <class T>
  T number() {
    return value_at<T>(take(sizeof(T)), 0);
  }
  std::string text() {
    const auto part = take(number<std::uint32_t>());
    return std::string(reinterpret_cast<const char*>(part.data()), part.size());
  }

 private:
  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size()) refuse(*file_, "its index ends too early");
    const auto part = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return part;
  }

  std::span<const std::byte> bytes_;
  const std::string* file_;
};

/// One split of a pack.
class PackedDataset : public Dataset {
 public:
  PackedDataset(std::shared_ptr<const Pack> pack, const Pack::Split& split)
      : Dataset(pack->name, pack->classes), pack_(std::move(pack)), first_(split.first), count_(split.count) {
    fingerprint_ = Fingerprint().add("packed").add(pack_->index_crc).add(split.name).value();
  }
  std::int64_t size() const override { return count_; }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    return std::make_unique<ViewedImage>(pack_->view(at(index)));
  }
  int label(std::int64_t index) const override { return pack_->label(at(index)); }
  std::string place(std::int64_t index) const override { return pack_->place(at(index)); }

 private:
  std::int64_t at(std::int64_t index) const {
    check(index >= 0 && index < count_, "[packed] expected an index below {}, got {}", count_, index);
    return first_ + index;
  }

  std::shared_ptr<const Pack> pack_;
  std::int64_t first_, count_;
};

}  // namespace

Pack::Pack(const std::filesystem::path& path) : file_(path.string()), map_(path) {
  refuse_archive(path);
  const std::span<const std::byte> bytes = map_.bytes();
  const pack::Tail tail = checked_tail(bytes, file_);
  const std::uint64_t end = bytes.size() - sizeof(pack::Tail);
  if (tail.records < sizeof(pack::Head) || tail.records > tail.index || tail.index > end ||
      (tail.index - tail.records) % sizeof(pack::Record) != 0) {
    refuse(file_, "records at byte {} and index at {} do not fit into {} bytes", tail.records, tail.index,
           bytes.size());
  }
  index_crc = crc32c(bytes.subspan(tail.records, end - tail.records));
  if (index_crc != tail.index_crc) refuse(file_, "the checksum of its index differs (damaged)");
  records_ = tail.records;
  count_ = static_cast<std::int64_t>((tail.index - tail.records) / sizeof(pack::Record));
  read_index(bytes.subspan(tail.index, end - tail.index));
  check_records();
}

void Pack::read_index(std::span<const std::byte> index) {
  IndexReader in(index, file_);
  img_size = static_cast<int>(in.number<std::uint32_t>());
  for (float& v : mean) v = in.number<float>();
  for (float& v : std) v = in.number<float>();
  for (std::size_t c = 0; c < mean.size(); ++c) {
    if (!std::isfinite(mean[c]) || !std::isfinite(std[c]) || !(std[c] > 0)) {
      refuse(file_, "mean {} and deviation {} of the pixels", mean[c], std[c]);
    }
  }
  name = in.text();
  const auto class_count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < class_count; ++i) classes.push_back(in.text());
  std::int64_t first = 0;
  while (!in.at_end()) {
    std::string split = in.text();
    const auto count = in.number<std::int64_t>();
    if (count < 1 || count > count_ - first) refuse(file_, "a split of {} images", count);
    splits.push_back({std::move(split), first, count});
    first += count;
  }
  if (first != count_) refuse(file_, "splits of {} images in all, {} in the file", first, count_);
  if (splits.empty() || splits[0].name != "train") refuse(file_, "no split train");
  if (img_size < 1 || img_size > kMaxImageSide) refuse(file_, "image side {}", img_size);
}

// Checks all sizes, so that later reads stay inside the file.
void Pack::check_records() const {
  for (std::int64_t i = 0; i < count_; ++i) {
    const pack::Record r = record(i);
    const std::uint64_t bytes = std::uint64_t{3} * r.height * r.width;
    if (r.height < 1 || r.width < 1 || r.height > kMaxImageSide || r.width > kMaxImageSide ||
        r.offset > records_ || bytes > records_ - r.offset || r.label >= classes.size()) {
      refuse(file_, "image {}: {} x {} pixels at byte {}, label {}", i, r.width, r.height, r.offset, r.label);
    }
  }
}

pack::Record Pack::record(std::int64_t index) const {
  return value_at<pack::Record>(map_.bytes(),
                                records_ + static_cast<std::uint64_t>(index) * sizeof(pack::Record));
}

std::string Pack::place(std::int64_t index) const { return fmt::format("{}: image {}", file_, index); }

ImageView Pack::view(std::int64_t index) const {
  const pack::Record r = record(index);
  const ImageSize size = {static_cast<int>(r.height), static_cast<int>(r.width)};
  const auto pixels = map_.bytes().subspan(r.offset, std::size_t{3} * r.height * r.width);
  if (crc32c(pixels) != r.crc) refuse(file_, "image {}: checksum differs (damaged)", index);
  return {size, reinterpret_cast<const std::uint8_t*>(pixels.data())};
}

DataSplits open_packed(const DataOptions& options) {
  if (options.data_dir.empty()) {
    fail(ErrorCode::usage, "--data-dir: not given; expected the file that salutrain pack made");
  }
  const auto pack = std::make_shared<const Pack>(options.data_dir);
  DataSplits out;
  out.train = std::make_shared<PackedDataset>(pack, pack->splits[0]);
  if (pack->splits.size() > 1 && options.val_from_train == 0) {
    out.eval = std::make_shared<PackedDataset>(pack, pack->splits[1]);
    out.eval_name = pack->splits[1].name;
  }
  out.img_size = pack->img_size;
  out.mean = pack->mean;
  out.std = pack->std;
  return out;
}

namespace {

/// The index, built up in memory.
class IndexWriter {
 public:
  template <class T>
  void number(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(const std::string& text) {
    number(static_cast<std::uint32_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Image reduced(const ImageView& image, int size) {
  if (std::min(image.height, image.width) <= size) return to_image(image);
  return resize_short_side(image, size, Interpolation::bicubic);
}

/// A pack being written.
class PackFile {
 public:
  PackFile(FileOps& ops, const std::filesystem::path& path) : file_(ops, path) {
    file_.write(std::as_bytes(std::span(&head_, 1)));
  }

  void add(const Image& image, int label) {
    const auto pixels = std::as_bytes(std::span(image.pixels));
    pack::Record record;
    record.offset = offset_;
    record.height = static_cast<std::uint32_t>(image.height);
    record.width = static_cast<std::uint32_t>(image.width);
    record.label = static_cast<std::uint32_t>(label);
    record.crc = crc32c(pixels);
    records_.push_back(record);
    file_.write(pixels);
    offset_ += pixels.size();
  }

  /// Returns the size of the file.
  std::uint64_t finish(std::span<const std::byte> index) {
    const auto records = std::as_bytes(std::span(records_));
    file_.write(records);
    file_.write(index);
    pack::Tail tail;
    tail.records = offset_;
    tail.index = offset_ + records.size();
    tail.index_crc = crc32c(index, crc32c(records));
    tail.crc = pack::seal(head_, tail);
    file_.write(std::as_bytes(std::span(&tail, 1)));
    return file_.finish().size;
  }

  std::int64_t images() const { return static_cast<std::int64_t>(records_.size()); }

 private:
  FileWriter file_;
  pack::Head head_;
  std::uint64_t offset_ = sizeof(pack::Head);
  std::vector<pack::Record> records_;
};

/// Decodes images in parallel, a block at a time, and writes them in order.
void add_split(PackFile& file, const std::shared_ptr<const Dataset>& data, const PackOptions& options) {
  constexpr std::int64_t kBlock = 256;
  ImageReader reader(data, options.bad_images, options.max_bad_percent);
  for (std::int64_t first = 0; first < data->size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, data->size() - first);
    std::vector<std::optional<Image>> block(static_cast<std::size_t>(count));
    parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t index = first + i;
        block[static_cast<std::size_t>(i)] =
            reader.read(index, [&](ImageSource& source) { return reduced(source.whole(), options.size); });
      }
    });
    for (const std::string& line : reader.take_reports()) {
      if (options.report) options.report(line);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      if (const auto& image = block[static_cast<std::size_t>(i)]) file.add(*image, data->label(first + i));
    }
    if (options.progress) options.progress(first + count, data->size());
  }
}

PackResult write_unfinished(const DataSplits& data, const std::filesystem::path& path,
                            const PackOptions& options, FileOps& ops) {
  PackFile file(ops, path);
  IndexWriter index;
  index.number(static_cast<std::uint32_t>(data.img_size));
  for (const float v : data.mean) index.number(v);
  for (const float v : data.std) index.number(v);
  index.text(data.train->name());
  index.number(static_cast<std::uint32_t>(data.train->class_names().size()));
  for (const std::string& name : data.train->class_names()) index.text(name);
  PackResult result;
  const auto add = [&](const std::string& name, const std::shared_ptr<const Dataset>& split) {
    const std::int64_t before = file.images();
    add_split(file, split, options);
    index.text(name);
    index.number(file.images() - before);
    result.left_out += split->size() - (file.images() - before);
  };
  add("train", data.train);
  if (data.eval) add(data.eval_name, data.eval);
  result.images = file.images();
  result.bytes = file.finish(index.bytes());
  return result;
}

}  // namespace

PackResult write_pack(const DataSplits& data, const std::filesystem::path& out, const PackOptions& options,
                      FileOps& ops) {
  std::filesystem::path unfinished = out;
  unfinished += ".tmp";
  try {
    const PackResult result = write_unfinished(data, unfinished, options, ops);
    ops.rename(unfinished, out);
    ops.sync_folder(out.has_parent_path() ? out.parent_path() : std::filesystem::path("."));
    return result;
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw;
  }
}

}  // namespace salu
