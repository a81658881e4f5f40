// SPDX-License-Identifier: MIT
/// Data sets: labelled images behind one interface, and the reader that handles bad images.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/decode.h"
#include "data/image.h"

namespace salu {

/// Policy for images that cannot be read.
enum class BadImages {
  stop,        ///< throws the error
  substitute,  ///< takes the next good image of the data set: for training
  leave_out,   ///< shrinks the batch: for scoring, where no image may count twice
};

/// 64-bit hash (FNV-1a) of a data set's content, by which a resumed run notices changed data.
class Fingerprint {
 public:
  Fingerprint& add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(number >> shift));
    return *this;
  }
  /// Hashes the length too: ("ab", "c") and ("a", "bc") differ.
  Fingerprint& add(std::string_view text) {
    add(text.size());
    for (const char c : text) byte(static_cast<std::uint8_t>(c));
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3u; }

  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

/// A fixed list of labelled images. All functions may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual std::int64_t size() const = 0;
  /// The undecoded image. Throws ErrorCode::data with the path when its file cannot be read. Damage may show
  /// only when pixels are decoded.
  virtual std::unique_ptr<ImageSource> open(std::int64_t index) const = 0;
  /// The whole image, decoded.
  Image image(std::int64_t index) const;
  virtual int label(std::int64_t index) const = 0;  ///< position in class_names()
  /// The path or number of the image, for messages.
  virtual std::string place(std::int64_t index) const;

  const std::vector<std::string>& class_names() const { return class_names_; }
  const std::string& name() const { return name_; }
  /// Hash of kind, size, labels and files; a resumed run compares it.
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

/// Holds out `count` samples, chosen by `seed`, in proportion to the class sizes (rounded). Throws
/// ErrorCode::usage (about `flag`) unless 0 < count < size.
Holdout hold_out(const Dataset& source, std::int64_t count, std::uint64_t seed, const char* flag);

/// `count` samples of `set`, chosen by `seed` as in hold_out(); all of them when count is 0. Throws
/// ErrorCode::usage (about `flag`) when there are fewer.
std::shared_ptr<const Dataset> some_samples(std::shared_ptr<const Dataset> set, std::int64_t count,
                                            std::uint64_t seed, const char* flag);

/// Settings of the data set `synthetic`.
struct SyntheticOptions {
  int side = 32;  ///< pixels
  int classes = 10;
};

struct DataOptions {
  std::string dataset = "shapes";  ///< one of known_datasets()
  std::filesystem::path data_dir;
  std::string train_split = "train";  ///< folder: the name of its training images
  std::optional<std::string>
      val_split;  ///< folder: name of its evaluation images; by default one of kEvalNames
  std::uint64_t seed = 42;
  std::int64_t val_from_train = 0;  ///< samples held out from train and used for evaluation instead
  /// 0 = all; else a subset chosen by seed, per class
  std::int64_t train_num_samples = 0, val_num_samples = 0;
  BadImages bad_images = BadImages::stop;  ///< folder: stop refuses links to nothing and the like at once
  SyntheticOptions synthetic;
  DecodeOptions decode;  ///< folder: how its files are read
};

struct DataSplits {
  std::shared_ptr<const Dataset> train, eval;
  std::string eval_name;               ///< "val" or "test"
  bool eval_is_validation = false;     ///< false for a test set, which must not select models
  int img_size = 0;                    ///< native size; 224 for folders whose first image is larger than 64
  std::array<float, 3> mean{}, std{};  ///< mean and deviation of the pixel values in 0..1
  std::vector<std::string> notes;      ///< lines for the user: files not read, classes without images
};

/// Default of --max-bad: the percentage of unreadable images above which a run stops.
constexpr double kMaxBadPercent = 0.1;

/// Reads the images of a data set under one of these policies and remembers the bad ones. All functions may
/// be called from several threads. The result depends on the files alone, not on thread timing.
class ImageReader {
 public:
  /// `max_bad_percent` is the share of the data set that may be bad under the other policies. Above 0, it
  /// always allows one image, which is more than that share of a small data set.
  ImageReader(std::shared_ptr<const Dataset> dataset, BadImages policy,
              double max_bad_percent = kMaxBadPercent)
      : dataset_(std::move(dataset)), policy_(policy), max_bad_percent_(max_bad_percent) {}

  /// Decodes the needed pixels of an opened image.
  using Decode = std::function<Image(ImageSource&)>;

  /// Opens the image at `index` and returns decode(image). Under `substitute`, sets `index` to that of the
  /// image that was read. Under `leave_out`, a bad image gives nothing. Throws ErrorCode::data under `stop`,
  /// and when too many images are bad.
  std::optional<Image> read(std::int64_t& index, const Decode& decode);

  /// One line about each image found bad since the last call.
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
