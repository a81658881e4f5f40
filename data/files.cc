// SPDX-License-Identifier: MIT
#include "data/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "core/error.h"

namespace salu {
namespace {

/// A regular file, open for reading.
class RegularFile {
 public:
  explicit RegularFile(const std::filesystem::path& path)
      : name_(path.string()),
        // O_NONBLOCK: opening a FIFO would otherwise block until something writes to it.
        descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {
    if (descriptor_ < 0) {
      const int reason = errno;
      // A loop of links, a device without hardware, or a socket.
      const bool odd = reason == ELOOP || reason == ENXIO;
      std::error_code error;
      const bool dangling = reason == ENOENT && std::filesystem::is_symlink(path, error);
      fail(ErrorCode::data, "{}: {}{}", name_,
           odd        ? "not a regular file: "
           : dangling ? "a link to nothing: "
                      : "cannot be opened: ",
           std::strerror(reason));
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      fail(ErrorCode::data, "{}: not a regular file", name_);
    }
    size_ = status.st_size;
  }
  ~RegularFile() { ::close(descriptor_); }
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  const std::string& name() const { return name_; }  ///< escaped, for messages
  std::int64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

 private:
  std::string name_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace

std::vector<std::uint8_t> read_regular_file(const std::filesystem::path& path, std::int64_t max_bytes) {
  const RegularFile file(path);
  if (file.size() > max_bytes) {
    fail(ErrorCode::data, "{}: {} bytes; limit {}", file.name(), file.size(), max_bytes);
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.size()));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.descriptor(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::data, "{}: cannot be read: {}", file.name(), std::strerror(errno));
    if (got == 0) break;  // truncated during the read
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const RegularFile file(path);
  const auto size = static_cast<std::size_t>(file.size());
  if (size == 0) return;  // an empty file cannot be mapped
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (memory == MAP_FAILED) {
    fail(ErrorCode::data, "{}: cannot be mapped into memory: {}", file.name(), std::strerror(errno));
  }
  bytes_ = {static_cast<const std::byte*>(memory), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string_view kind_of_file(std::string_view start) {
  using namespace std::string_view_literals;
  struct Kind {
    std::string_view magic;
    std::size_t at;
    std::string_view name;
  };
  static constexpr Kind kKinds[] = {
      {"version https://git-lfs"sv, 0, "a git-lfs pointer ('git lfs pull' fetches the file itself)"sv},
      {"\x1f\x8b"sv, 0, "a gzip archive"sv},
      {"PK\3\4"sv, 0, "a zip archive"sv},
      {"\xfd\x37zXZ"sv, 0, "an xz archive"sv},
      {"BZh"sv, 0, "a bzip2 archive"sv},
      {"\x28\xb5\x2f\xfd"sv, 0, "a zstd archive"sv},
      {"ustar"sv, 257, "a tar archive"sv},
      {"GIF8"sv, 0, "a GIF image"sv},
      {"WEBP"sv, 8, "a WebP image"sv},
      {"II*\0"sv, 0, "a TIFF image"sv},
      {"MM\0*"sv, 0, "a TIFF image"sv},
      {"ftyp"sv, 4, "a HEIC or AVIF image, or a video"sv},
      {"jP  "sv, 4, "a JPEG 2000 image"sv},
      {"\0\0\1\0"sv, 0, "an icon"sv},
      {"%PDF"sv, 0, "a PDF document"sv},
  };
  for (const Kind& kind : kKinds) {
    if (start.substr(std::min(start.size(), kind.at)).starts_with(kind.magic)) return kind.name;
  }
  std::string text(start.substr(std::min(start.find_first_not_of("\xef\xbb\xbf \t\r\n"), start.size()), 9));
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (text.starts_with("<!doctype") || text.starts_with("<html"))
    return "an HTML page, perhaps of a failed download"sv;
  if (text.starts_with("<svg") || text.starts_with("<?xml")) return "an XML text, perhaps an SVG drawing"sv;
  return {};
}

void refuse_archive(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  std::array<char, 262> bytes{};
  std::ifstream(path, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view kind = kind_of_file({bytes.data(), bytes.size()});
  if (kind.ends_with("archive")) fail(ErrorCode::data, "{}: is {}; unpack it first", path.string(), kind);
}

}  // namespace salu
