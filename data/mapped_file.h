// SPDX-License-Identifier: MIT
/// A file as read-only memory: pages are read when they are touched, and the system keeps them as it sees
/// fit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace salu {

class MappedFile {
 public:
  /// Throws ErrorCode::data with path and reason when it cannot be mapped or is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace salu
