// SPDX-License-Identifier: MIT
/// CIFAR-10 and CIFAR-100, binary version (https://www.cs.toronto.edu/~kriz/cifar.html).
#pragma once

#include "data/dataset.h"

namespace salu {

enum class Cifar { ten, hundred };

/// One split in memory, in the files' layout: label bytes, then the red, green and blue planes. CIFAR-100
/// uses the fine label, not the coarse one.
class CifarDataset : public Dataset {
 public:
  static constexpr int kSide = 32;  ///< pixels

  /// `folder` holds the .bin files. Throws ErrorCode::data when one is missing, has the wrong size or a label
  /// out of range.
  CifarDataset(Cifar kind, const std::filesystem::path& folder, bool train);
  /// Records from memory, any number of them, with the built-in class names; `file` is the name in messages.
  CifarDataset(Cifar kind, std::vector<std::uint8_t> records, const std::string& file);

  std::int64_t size() const override { return static_cast<std::int64_t>(records_.size() / record_bytes_); }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override;
  int label(std::int64_t index) const override { return record(index)[label_bytes_ - 1]; }

 private:
  const std::uint8_t* record(std::int64_t index) const;

  std::size_t label_bytes_, record_bytes_;
  std::vector<std::uint8_t> records_;
};

/// `options.data_dir` is the folder of the .bin files or its parent. Throws ErrorCode::data when neither
/// exists; the message recognizes the Python version and packed archives.
DataSplits open_cifar(Cifar kind, const DataOptions& options);

}  // namespace salu
