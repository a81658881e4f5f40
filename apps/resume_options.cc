// SPDX-License-Identifier: MIT
#include "apps/resume_options.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "run/settings_file.h"

namespace salu {
namespace {

/// A resumed run may get longer and may run on other hardware; everything else stays.
const std::set<std::string> kMayChange = {"epochs",
                                          "threads",
                                          "device",
                                          "kernels",
                                          "graph",
                                          "patience",
                                          "workers",
                                          "bad-images",
                                          "max-bad",
                                          "log-interval",
                                          "val-interval",
                                          "checkpoint-hist",
                                          "recovery-interval",
                                          "validation-batch-size",
                                          "rank-timeout",
                                          "check-ranks-interval",
                                          "data-dir"};
/// What an optimizer that starts anew reads.
const std::set<std::string> kOfOptimizer = {
    "opt",           "lr",          "lr-base",   "lr-base-size", "lr-base-scale", "momentum",
    "nesterov",      "opt-betas",   "opt-eps",   "weight-decay", "decay-all",     "coef-lr-scale",
    "coef-max-step", "layer-decay", "clip-grad", "clip-mode",    "min-lr",        "warmup-lr"};

std::optional<double> number_of(const std::string& word) {
  if (word == "true" || word == "false") return word == "true" ? 1 : 0;
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

std::vector<std::string> words_of(const std::string& value) {
  std::vector<std::string> words(1);
  for (const char c : value) {
    if (std::string_view(" ,[]\"'").find(c) == std::string_view::npos) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// However they are written: 0.002 and 2e-3, true and 1, [0.08, 1] and [0.08, 1.0].
bool same_value(const std::string& a, const std::string& b) {
  constexpr double kWhole = 0x1p53;  // beyond, neighbouring seeds are one double: digits count
  return std::ranges::equal(words_of(a), words_of(b), [](const std::string& x, const std::string& y) {
    const auto number = number_of(x);
    return x == y || (number && *number < kWhole && number == number_of(y));
  });
}

}  // namespace

void refuse_changes(const TrainOptions& options, const std::string& before, const std::string& now) {
  const auto old_settings = settings_of(before), new_settings = settings_of(now);
  for (const auto& [key, value] : new_settings) {
    const auto it = old_settings.find(key);
    const std::string was = it == old_settings.end() ? "" : it->second;
    const bool allowed = kMayChange.contains(key) || (options.fresh_optimizer && kOfOptimizer.contains(key));
    if (!allowed && !same_value(value, was)) {
      fail(ErrorCode::checkpoint,
           "--resume {}: --{} is {} in that run, {} is asked for. Leave it out, or start a new run with "
           "--output",
           options.resume, key, was.empty() ? "not set" : was, value.empty() ? "none" : value);
    }
    if (key == "epochs" && *number_of(value) < *number_of(was)) {
      fail(ErrorCode::checkpoint,
           "--resume {}: --epochs is {} in that run, {} is asked for; expected as many or more. To end it "
           "sooner, use --max-steps or --max-seconds",
           options.resume, was, value);
    }
  }
}

void split_resume_path(TrainOptions& o) {
  std::filesystem::path path = o.resume;
  if (path.filename().empty()) path = path.parent_path();
  o.run_dir = path;
  if (std::filesystem::exists(path / "config.toml")) return;
  if (path.filename() == "checkpoints") {
    o.run_dir = path.parent_path();
    return;
  }
  o.checkpoint = path.filename().string();
  o.run_dir =
      path.parent_path().filename() == "checkpoints" ? path.parent_path().parent_path() : path.parent_path();
}

}  // namespace salu
