// SPDX-License-Identifier: MIT
/// Reads the files of data sets. Refuses anything but a regular file (a folder, a FIFO, a device) without
/// blocking on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace salu {

/// The bytes of a file. Throws ErrorCode::data with path and reason, also when it exceeds `max_bytes`.
std::vector<std::uint8_t> read_regular_file(const std::filesystem::path& path, std::int64_t max_bytes);

/// A file mapped as read-only memory. The system loads pages on access and may drop them again.
class MappedFile {
 public:
  /// Throws ErrorCode::data with path and reason when it cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// What a file that begins with `start` (262 bytes are enough) is, with its article: "a gzip archive", "a
/// git-lfs pointer …", "a WebP image". Empty when it is of no kind that people take for an image or a
/// checkpoint.
std::string_view kind_of_file(std::string_view start);

/// Throws ErrorCode::data when `path` is a regular file that begins like an archive (tar, gzip, zip, …),
/// which must be unpacked first.
void refuse_archive(const std::filesystem::path& path);

}  // namespace salu
