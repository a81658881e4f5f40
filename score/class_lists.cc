// SPDX-License-Identifier: MIT
#include "score/class_lists.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file_ops.h"
#include "train/evaluator.h"

namespace salu {
namespace {

/// -1 unless the text is an integer.
std::int64_t number_in(const std::string& text) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

struct Description {
  std::string name, words;
};

std::vector<Description> described_classes(const std::filesystem::path& file) {
  std::vector<Description> out;
  for (const std::string& line : lines_of(file)) {
    const std::size_t space = line.find_first_of(" \t"), words = line.find_first_not_of(" \t", space);
    if (space == 0 || words == std::string::npos) {
      fail(ErrorCode::data,
           "{}: entry {}: '{}'; expected a class name, a space and words, as in 'n01440764 tench, Tinca "
           "tinca'",
           shown(file), out.size() + 1, line);
    }
    out.push_back({line.substr(0, space), line.substr(words)});
  }
  return out;
}

std::vector<Description> published_descriptions(const ScoringModel& model) {
  if (model.label_descriptions.is_null()) {
    fail(ErrorCode::usage,
         "--label-type description: {} has no label_descriptions in its config.json. Give "
         "--class-descriptions "
         "FILE with lines such as 'n01440764 tench, Tinca tinca'",
         model.path);
  }
  std::vector<Description> out;
  try {
    for (const auto& [name, words] : model.label_descriptions.get<std::map<std::string, std::string>>()) {
      out.push_back({name, words});
    }
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::checkpoint,
         "{}: config.json: label_descriptions; expected an object of class names and words. Give "
         "--class-descriptions FILE",
         model.path);
  }
  return out;
}

using Lists = std::vector<std::vector<std::int64_t>>;

Lists read_lists(const std::filesystem::path& file, std::int64_t classes) {
  const auto json = nlohmann::json::parse(read_text(file, ErrorCode::data), nullptr, false);
  if (!json.is_array()) {
    fail(ErrorCode::data, "{}: not a JSON array; expected a list of class indices per validation image",
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
std::size_t image_number(const std::string& place) {
  constexpr std::string_view kPrefix = "ILSVRC2012_val_";
  const std::string name = std::filesystem::path(place).filename().string();
  std::size_t number = 0;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
  }
  return number;
}

}  // namespace

std::vector<std::int64_t> listed_classes(const std::filesystem::path& file, const ModelCard& card) {
  std::vector<std::int64_t> out;
  for (const std::string& line : lines_of(file)) {
    const auto known = std::ranges::find(card.class_names, line);
    const std::int64_t index =
        known == card.class_names.end() ? number_in(line) : known - card.class_names.begin();
    if (index < 0 || index >= card.model.num_classes) {
      fail(ErrorCode::data, "{}: entry {}: '{}'; expected a class name or an index in 0..{}", shown(file),
           out.size() + 1, line, card.model.num_classes - 1);
    }
    out.push_back(index);
  }
  if (out.empty()) {
    fail(ErrorCode::data, "{}: empty; expected a class name or an index per line", shown(file));
  }
  return out;
}

std::vector<std::string> class_descriptions(const std::filesystem::path& file, ScoringModel& model) {
  const std::vector<Description> known =
      file.empty() ? published_descriptions(model) : described_classes(file);
  const std::string source = file.empty() ? model.path + ": config.json" : shown(file);
  std::vector<std::string>& names = model.card.class_names;
  if (names.empty() && !file.empty() &&
      static_cast<std::int64_t>(known.size()) == model.card.model.num_classes) {
    std::ranges::transform(known, std::back_inserter(names), &Description::name);
  }
  if (names.empty()) {
    fail(ErrorCode::data,
         "{}: {} descriptions for {} outputs without class names. Give the names: --class-map FILE", source,
         known.size(), model.card.model.num_classes);
  }
  std::map<std::string, std::string> words;
  for (const Description& d : known) words.emplace(d.name, d.words);
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const auto found = words.find(name);
    if (found == words.end()) {
      fail(ErrorCode::data,
           "{}: no description of class '{}'; expected one of each class. Add it to the file of "
           "--class-descriptions",
           source, name);
    }
    out.push_back(found->second);
  }
  return out;
}

RealLabels::RealLabels(const std::filesystem::path& file, const Dataset& images, std::int64_t classes) {
  const Lists lists = read_lists(file, classes);
  for (std::int64_t i = 0; i < images.size(); ++i) {
    const std::string place = images.place(i);
    const std::size_t number = image_number(place);
    if (number < 1 || number > lists.size()) {
      fail(ErrorCode::data,
           "{}: an image without an entry in {}; expected the name ILSVRC2012_val_ and a number in 1..{}. "
           "Score ImageNet's validation images under their own names",
           place, shown(file), lists.size());
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
