// SPDX-License-Identifier: MIT
/// Writes a data set as one packed file (data/pack_format.h).
#pragma once

#include <functional>

#include "core/file_ops.h"
#include "data/bad_images.h"

namespace salu {

struct PackOptions {
  int size = 256;  ///< pictures with a longer short side are reduced to it (bicubic); nothing is cut off
  BadImages bad_images = BadImages::stop;  ///< or leave_out
  double max_bad_percent = kMaxBadPercent;
  std::function<void(std::int64_t done, std::int64_t all)> progress;  ///< may be empty
  std::function<void(const std::string&)> report;                     ///< lines about pictures left out
};

struct PackResult {
  std::int64_t pictures = 0, left_out = 0;
  std::uint64_t bytes = 0;
};

/// The pictures of both splits, decoded by num_threads() threads; the file does not depend on their number.
/// `out` appears only when it is complete. Throws ErrorCode::data for a bad picture, ErrorCode::environment
/// when it cannot be written.
PackResult write_pack(const DataSplits& data, const std::filesystem::path& out, const PackOptions& options,
                      FileOps& ops = real_files());

}  // namespace salu
