// SPDX-License-Identifier: MIT
#include "cuda/library/plan_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace salu::cuda {
namespace {

constexpr int kFormat = 1;

std::string file_name(std::size_t cudnn_version, std::string device) {
  std::ranges::replace_if(
      device, [](unsigned char c) { return !std::isalnum(c); }, '-');
  return fmt::format("cudnn-{}-{}.json", cudnn_version, device);
}

}  // namespace

PlanCache::PlanCache(const std::filesystem::path& folder, std::size_t cudnn_version,
                     const std::string& device) {
  if (folder.empty()) return;
  file_ = folder / file_name(cudnn_version, device);
  load();
}

void PlanCache::complain(const std::string& what) {
  if (!complained_) {
    fmt::print(stderr, "{}: {}; plans are measured anew\n", escaped(file_.string()), escaped(what));
  }
  complained_ = true;
}

void PlanCache::load() {
  std::ifstream in(file_);
  if (!in) return;
  try {
    const nlohmann::json content = nlohmann::json::parse(in);
    if (content.at("format") != kFormat) throw std::runtime_error("another format");
    for (const auto& [key, entry] : content.at("plans").items()) {
      entries_[key] = {entry.at("plan"), entry.at("microseconds")};
    }
  } catch (const std::exception& e) {
    complain(fmt::format("the plan cache is damaged ({})", e.what()));
  }
}

std::optional<PlanCache::Entry> PlanCache::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

void PlanCache::store(const std::string& key, const Entry& entry) {
  if (file_.empty()) return;
  load();
  entries_[key] = entry;
  save();
}

void PlanCache::save() {
  nlohmann::json plans = nlohmann::json::object();
  for (const auto& [key, entry] : entries_) {
    plans[key] = {{"plan", entry.plan}, {"microseconds", entry.microseconds}};
  }
  const nlohmann::json content = {{"format", kFormat}, {"plans", std::move(plans)}};
  // Whole or not at all: the name is given last. What a power cut leaves behind, load() recognises.
  const std::filesystem::path unfinished = file_.string() + fmt::format(".{}", getpid());
  std::error_code error;
  std::filesystem::create_directories(file_.parent_path(), error);
  std::ofstream out(unfinished);
  out << content.dump(1) << '\n';
  out.close();
  if (out) std::filesystem::rename(unfinished, file_, error);
  if (!out || error) {
    complain("the plan cache cannot be written");
    std::filesystem::remove(unfinished, error);
  }
}

std::filesystem::path cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && *xdg == '/') return std::filesystem::path(xdg) / "salunet";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return std::filesystem::path(home) / ".cache/salunet";
  return {};
}

}  // namespace salu::cuda
