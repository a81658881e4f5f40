// SPDX-License-Identifier: MIT
/// Scalars as TensorBoard reads them: files events.out.tfevents.* in the run folder.
///
/// A file is a list of records: length (u64), checksum of the length, protocol buffer `Event`, its checksum.
/// Checksums are CRC-32C, rotated and shifted so that a checksum of data that holds checksums stays a good
/// one. The first event names the version of the format; each of the others holds the scalars of one step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "run/row_logs.h"

namespace salu {

struct Scalar {
  std::string tag;  ///< "eval/top1": TensorBoard groups by what stands before the slash
  double value;
};

class EventLog {
 public:
  using Clock = std::function<double()>;  ///< seconds since 1970; empty: the system's clock

  /// Cuts what earlier files hold beyond step `resume_after` (all, when there is none) and what a crash left
  /// unfinished. Every process writes a file of its own, so that a TensorBoard that watches goes on reading;
  /// it is made with the first scalar.
  explicit EventLog(const std::filesystem::path& folder, std::optional<std::int64_t> resume_after = {},
                    FileOps& ops = real_files(), Clock clock = {});
  /// Reaches the system before it returns, unless the disk is full (RowFile). Steps must not decrease.
  void write(std::int64_t step, const std::vector<Scalar>& scalars);
  RowFile* file() { return file_ ? &*file_ : nullptr; }  ///< null before the first scalar

 private:
  void open();

  std::filesystem::path folder_;
  FileOps& ops_;
  Clock clock_;
  std::optional<RowFile> file_;
};

}  // namespace salu
