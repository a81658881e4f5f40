// SPDX-License-Identifier: MIT
#include "core/text.h"

#include <algorithm>

#include "core/error.h"

namespace salu {
namespace {

// Optimal string alignment: Levenshtein's table with swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const bool differs = a[i - 1] != b[j - 1];
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differs});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 256;  // nobody mistypes more than that
  if (name.size() > kLongest) return "";
  std::string best;
  std::size_t fewest = name.size() + kLongest;
  for (const std::string& candidate : known) {
    const std::size_t allowed = std::max<std::size_t>(2, candidate.size() / 3);
    const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
    if (longer - shorter > allowed) continue;  // as many edits at least
    const std::size_t edits = edit_distance(name, candidate);
    if (edits > allowed || edits >= candidate.size() || edits >= fewest) continue;
    fewest = edits;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? "" : " (did you mean " + near + "?)";
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return std::string(word);
  const std::string printable = escaped(word);
  if (printable == word) {
    std::string quoted;
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return "'" + quoted + "'";
  }
  // $'…' of bash, zsh and ksh: \xNN is a byte.
  std::string quoted;
  for (const char c : word) quoted += c == '\'' || c == '\\' ? fmt::format("\\{}", c) : escaped({&c, 1});
  return "$'" + quoted + "'";
}

}  // namespace salu
