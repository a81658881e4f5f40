// SPDX-License-Identifier: MIT
#include "score/class_lists.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace salu {
namespace {

/// -1 for what is not a whole number.
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
           shown(file), out.size() + 1, escaped(line));
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
         escaped(model.path));
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
         escaped(model.path));
  }
  return out;
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
           out.size() + 1, escaped(line), card.model.num_classes - 1);
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
  const std::string source = file.empty() ? escaped(model.path) + ": config.json" : shown(file);
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
           source, escaped(name));
    }
    out.push_back(found->second);
  }
  return out;
}

}  // namespace salu
