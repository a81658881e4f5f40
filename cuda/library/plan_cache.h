// SPDX-License-Identifier: MIT
/// Chosen plans on disk, so that the second run of a program starts at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace salu::cuda {

/// One JSON file per version of cuDNN and kind of device. It is a convenience: whatever is wrong with it is
/// said once on stderr, and planning goes on without it.
class PlanCache {
 public:
  struct Entry {
    std::string plan;         ///< Plan::json()
    double microseconds = 0;  ///< measured when the plan was chosen
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// An empty folder means no cache. A file that is damaged counts as empty.
  PlanCache(const std::filesystem::path& folder, std::size_t cudnn_version, const std::string& device);

  /// `key` says everything that the choice depends on besides version and device.
  std::optional<Entry> find(const std::string& key) const;
  /// Also writes the file, with what other processes stored in it since; it is replaced as a whole.
  void store(const std::string& key, const Entry& entry);

  const std::filesystem::path& file() const { return file_; }

 private:
  void load();
  void save();
  void complain(const std::string& what);

  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
  bool complained_ = false;
};

/// $XDG_CACHE_HOME/salunet or ~/.cache/salunet; empty when neither is known.
std::filesystem::path cache_folder();

}  // namespace salu::cuda
