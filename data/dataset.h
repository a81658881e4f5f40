// SPDX-License-Identifier: MIT
/// Labelled pictures behind one interface, and the door that opens them by name.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/picture.h"

namespace salu {

/// A fixed list of labelled pictures. All functions may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual std::int64_t size() const = 0;
  /// Throws ErrorCode::data with the path when the picture cannot be read; damage may show later, when its
  /// pixels are asked for.
  virtual std::unique_ptr<Picture> picture(std::int64_t index) const = 0;
  /// All of its pixels.
  Image image(std::int64_t index) const;
  virtual int label(std::int64_t index) const = 0;  ///< position in class_names()
  /// Where the picture comes from, for messages: its path, or its number.
  virtual std::string place(std::int64_t index) const;

  const std::vector<std::string>& class_names() const { return class_names_; }
  const std::string& name() const { return name_; }
  /// Differs when kind, size, labels or files differ; a resumed run compares it.
  std::uint64_t fingerprint() const { return fingerprint_; }

 protected:
  Dataset(std::string name, std::vector<std::string> class_names)
      : name_(std::move(name)), class_names_(std::move(class_names)) {}

  std::string name_;
  std::vector<std::string> class_names_;
  std::uint64_t fingerprint_ = 0;  ///< set by the constructor of the derived class
};

/// The samples of `source` at `indices`, in that order. Throws ErrorCode::internal when one is out of range.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> source,
                                      std::vector<std::int64_t> indices);

/// Two disjoint, sorted lists that together are 0 .. size-1.
struct Holdout {
  std::vector<std::int64_t> kept, held;
};

/// Holds out `count` samples, chosen by `seed`; each class gives its share, rounded. Throws ErrorCode::usage
/// (about `flag`) unless 0 < count < size.
Holdout hold_out(const Dataset& source, std::int64_t count, std::uint64_t seed, const char* flag);

/// `count` samples of `set`, chosen by `seed` as in hold_out(); all of them when count is 0. Throws
/// ErrorCode::usage (about `flag`) when there are fewer.
std::shared_ptr<const Dataset> limited(std::shared_ptr<const Dataset> set, std::int64_t count,
                                       std::uint64_t seed, const char* flag);

/// Of the data set `synthetic`.
struct SyntheticOptions {
  int side = 32;  ///< pixels
  int classes = 10;
};

struct DataOptions {
  std::string dataset = "shapes";  ///< one of known_datasets()
  std::filesystem::path data_dir;
  std::string train_split = "train";     ///< folder: the name of its training pictures
  std::optional<std::string> val_split;  ///< folder: of its evaluation pictures; by default kEvalNames
  std::uint64_t seed = 42;
  std::int64_t val_from_train = 0;  ///< samples held out from train and used for evaluation instead
  std::int64_t train_num_samples = 0, val_num_samples = 0;  ///< 0 = all; fewer are chosen by seed, per class
  SyntheticOptions synthetic;
};

struct DataSplits {
  std::shared_ptr<const Dataset> train, eval;
  std::string eval_name;               ///< "val" or "test"
  bool eval_is_validation = false;     ///< a test set chooses nothing
  int img_size = 0;                    ///< native size; 224 for folders whose first picture is larger than 64
  std::array<float, 3> mean{}, std{};  ///< of the pixel values in 0..1
};

const std::vector<std::string>& known_datasets();

/// Throws ErrorCode::usage for unknown names and impossible counts, ErrorCode::data for missing or damaged
/// files.
DataSplits open_dataset(const DataOptions& options);

}  // namespace salu
