// SPDX-License-Identifier: MIT
#include "data/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

void refuse_archive(const std::filesystem::path& path) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, const char*> kStarts[] = {{"\x1f\x8b"sv, "gzip"},
                                                                  {"PK\3\4"sv, "zip"},
                                                                  {"\xfd\x37zXZ"sv, "xz"},
                                                                  {"BZh"sv, "bzip2"},
                                                                  {"\x28\xb5\x2f\xfd"sv, "zstd"}};
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  std::array<char, 262> bytes{};
  std::ifstream(path, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view start(bytes.data(), bytes.size());
  const char* kind = start.substr(257) == "ustar" ? "tar" : nullptr;
  for (const auto& [magic, name] : kStarts) {
    if (start.starts_with(magic)) kind = name;
  }
  if (kind) {
    fail(ErrorCode::data, "{}: is a {} archive; unpack it first", path.string(), kind);
  }
}

}  // namespace salu
