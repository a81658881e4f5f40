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
  std::string tag;  ///< "eval/top1": TensorBoard groups by the part before the slash
  double value;
};

class EventLog {
 public:
  using Clock = std::function<double()>;  ///< seconds since 1970; empty: the system's clock

  /// Removes from earlier files the events after step `resume_after` (all, without it) and the unfinished
  /// rest of a crash. Every process writes its own file, so that a running TensorBoard keeps reading. The
  /// file is created with the first scalar.
  explicit EventLog(const std::filesystem::path& folder, std::optional<std::int64_t> resume_after = {},
                    FileOps& ops = real_files(), Clock clock = {});
  /// Hands the scalars to the system before returning, unless the disk is full (RowFile). Steps must not
  /// decrease.
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
