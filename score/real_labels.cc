// SPDX-License-Identifier: MIT
#include "score/real_labels.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file_ops.h"
#include "train/evaluator.h"

namespace salu {
namespace {

using Lists = std::vector<std::vector<std::int64_t>>;

Lists read_lists(const std::filesystem::path& file, std::int64_t classes) {
  const auto json = nlohmann::json::parse(read_text(file, ErrorCode::data), nullptr, false);
  if (!json.is_array()) {
    fail(ErrorCode::data, "{}: not a JSON array; expected a list of class indices per validation picture",
         shown(file));
  }
  const auto is_class = [&](const nlohmann::json& value) {
    if (!value.is_number_integer()) return false;
    const auto index = value.get<std::int64_t>();
    return index >= 0 && index < classes;
  };
  Lists out;
  for (const nlohmann::json& entry : json) {
    if (!entry.is_array() || !std::ranges::all_of(entry, is_class)) {
      fail(ErrorCode::data, "{}: entry {} is {}; expected a list of class indices in 0..{}", shown(file),
           out.size() + 1, entry.dump(-1, ' ', true).substr(0, 60), classes - 1);
    }
    out.push_back(entry.get<std::vector<std::int64_t>>());
  }
  return out;
}

/// 12 for …/ILSVRC2012_val_00000012.JPEG, 0 for other names.
std::size_t picture_number(const std::string& place) {
  constexpr std::string_view kPrefix = "ILSVRC2012_val_";
  const std::string name = std::filesystem::path(place).filename().string();
  std::size_t number = 0;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
  }
  return number;
}

}  // namespace

RealLabels::RealLabels(const std::filesystem::path& file, const Dataset& pictures, std::int64_t classes) {
  const Lists lists = read_lists(file, classes);
  for (std::int64_t i = 0; i < pictures.size(); ++i) {
    const std::string place = pictures.place(i);
    const std::size_t number = picture_number(place);
    if (number < 1 || number > lists.size()) {
      fail(ErrorCode::data,
           "{}: a picture without an entry in {}; expected the name ILSVRC2012_val_ and a number in 1..{}. "
           "Score ImageNet's validation pictures under their own names",
           escaped(place), shown(file), lists.size());
    }
    labels_.push_back(lists[number - 1]);
  }
}

void RealLabels::count(RealScore& score, const Batch& batch, const Tensor& logits) const {
  const std::int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  for (const std::int64_t index : batch.indices) {
    const std::vector<std::int64_t>& answers = labels_[static_cast<std::size_t>(index)];
    std::int64_t best = kNeverPredicted;
    for (const std::int64_t k : answers) best = std::min(best, rank_of(row, classes, k));
    score.samples += !answers.empty();
    score.correct1 += best < 1;
    score.correct5 += best < 5;
    row += classes;
  }
}

}  // namespace salu
