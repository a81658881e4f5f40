// SPDX-License-Identifier: MIT
/// Finds problems in a data set.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace salu {

enum class Problem {
  classes,        ///< fewer than two classes, empty ones, or classes that only one split has
  unreadable,     ///< truncated, damaged, not an image, no permission, or a link to nothing
  other_kind,     ///< files that look like images and are not read: other formats, no extension
  contradiction,  ///< the same content in two classes of a split
  overlap,        ///< the same content in training and evaluation
  duplicate,      ///< the same content twice in a class of a split
};
inline constexpr int kProblems = 6;

/// Name in the report: "unreadable", …
const char* name_of(Problem problem);

struct Finding {
  Problem problem;
  std::string text;  ///< names the images or classes
};

struct Verification {
  std::int64_t train = 0, eval = 0, classes = 0;  ///< images in each split; classes of train
  std::int64_t turned = 0;                        ///< images of a folder with an EXIF orientation
  std::vector<std::string> unread;                ///< files of other kinds: "train: 16 .webp, 1 .txt"
  std::vector<Finding> findings;                  ///< by kind, then in the order of the data set
};

/// Reads and decodes every image of the image folder or pack at `options.data_dir` with num_threads()
/// threads. Compares content by a 64-bit hash of the file (of the pixels in a pack). Throws ErrorCode::data
/// when there is no data set, ErrorCode::usage when splits of a pack are named.
Verification verify_data(const DataOptions& options,
                         const std::function<void(std::int64_t done, std::int64_t all)>& progress = {});

}  // namespace salu
