// SPDX-License-Identifier: MIT
#include "data/pack.h"

#include "core/crc32c.h"
#include "core/parallel.h"
#include "data/pack_format.h"
#include "data/resize.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

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
  if (std::min(image.height, image.width) <= size) return copied(image);
  return resize_short_side(image, size, Interpolation::bicubic);
}

/// A pack on its way to the disk.
class PackFile {
 public:
  PackFile(FileOps& ops, const fs::path& path) : file_(ops, path) {
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

  std::int64_t pictures() const { return static_cast<std::int64_t>(records_.size()); }

 private:
  FileWriter file_;
  pack::Head head_;
  std::uint64_t offset_ = sizeof(pack::Head);
  std::vector<pack::Record> records_;
};

/// Block by block: decoded in parallel, written in order.
void add_split(PackFile& file, const std::shared_ptr<const Dataset>& data, const PackOptions& options) {
  constexpr std::int64_t kBlock = 256;
  PictureSource pictures(data, options.bad_images, options.max_bad_percent);
  for (std::int64_t first = 0; first < data->size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, data->size() - first);
    std::vector<std::optional<Image>> block(static_cast<std::size_t>(count));
    parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t index = first + i;
        block[static_cast<std::size_t>(i)] =
            pictures.read(index, [&](Picture& picture) { return reduced(picture.whole(), options.size); });
      }
    });
    for (const std::string& line : pictures.take_reports()) {
      if (options.report) options.report(line);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      if (const auto& image = block[static_cast<std::size_t>(i)]) file.add(*image, data->label(first + i));
    }
    if (options.progress) options.progress(first + count, data->size());
  }
}

PackResult write_unfinished(const DataSplits& data, const fs::path& path, const PackOptions& options,
                            FileOps& ops) {
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
    const std::int64_t before = file.pictures();
    add_split(file, split, options);
    index.text(name);
    index.number(file.pictures() - before);
    result.left_out += split->size() - (file.pictures() - before);
  };
  add("train", data.train);
  if (data.eval) add(data.eval_name, data.eval);
  result.pictures = file.pictures();
  result.bytes = file.finish(index.bytes());
  return result;
}

}  // namespace

PackResult write_pack(const DataSplits& data, const fs::path& out, const PackOptions& options, FileOps& ops) {
  fs::path unfinished = out;
  unfinished += ".tmp";
  try {
    const PackResult result = write_unfinished(data, unfinished, options, ops);
    ops.rename(unfinished, out);
    ops.sync_folder(out.has_parent_path() ? out.parent_path() : fs::path("."));
    return result;
  } catch (...) {
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    throw;
  }
}

}  // namespace salu
