// SPDX-License-Identifier: MIT
/// What happens when a picture of a data set cannot be read.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace salu {

enum class BadImages {
  stop,        ///< the error goes to the caller
  substitute,  ///< the next good picture in the order of the data set takes its place: for training
  leave_out,   ///< the batch gets smaller: for scoring, where no picture may count twice
};

/// Of a data set; see PictureSource.
constexpr double kMaxBadPercent = 0.1;

/// The pictures of a data set under one of these policies; bad ones are remembered. All functions may be
/// called from several threads. What is given depends on the files alone, not on who asks first.
class PictureSource {
 public:
  /// `max_bad_percent`: of the data set, for the policies that go on. Above 0, one may be bad whatever it is:
  /// small data sets hold less than that.
  PictureSource(std::shared_ptr<const Dataset> dataset, BadImages policy,
                double max_bad_percent = kMaxBadPercent)
      : dataset_(std::move(dataset)), policy_(policy), max_bad_percent_(max_bad_percent) {}

  using Use = std::function<Image(Picture&)>;

  /// What `use` makes of the picture at `index`, which becomes that of the substitute; nothing when it is
  /// left out. Throws ErrorCode::data under `stop`, and when too many have been found bad.
  std::optional<Image> read(std::int64_t& index, const Use& use);

  /// A line for each bad picture since the last call.
  std::vector<std::string> take_reports();

 private:
  bool is_bad(std::int64_t index) const;
  void add_bad(std::int64_t index, const std::string& reason);

  std::shared_ptr<const Dataset> dataset_;
  BadImages policy_;
  double max_bad_percent_;
  mutable std::mutex mutex_;  // guards the two below
  std::set<std::int64_t> bad_;
  std::vector<std::string> reports_;
};

}  // namespace salu
