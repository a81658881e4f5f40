// SPDX-License-Identifier: MIT
/// The fastest plan for a graph on this machine's GPU: measured once, then taken from a file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cuda/library/plan.h"

namespace salu::cuda {

/// A graph with its plan.
class PlannedGraph {
 public:
  /// Takes the plan from the cache on disk, or measures those that `rules` allow: tens of milliseconds, or
  /// seconds when code has to be compiled. Throws ErrorCode::environment when there is none, and
  /// ErrorCode::internal during a graph capture, because measuring waits for the device.
  PlannedGraph(const OperationGraph& graph, const PlanRules& rules);

  /// Queues the work on the stream.
  void run(const std::vector<Plan::Binding>& bindings) const;

 private:
  std::optional<Plan> plan_;
};

struct Fastest {
  std::size_t index;
  double microseconds;
};
/// Times the plans, because the heuristics' first choice can be several times slower than the best. They run
/// - on random numbers: zeros draw less power and so run faster;
/// - in more memory than the L2 cache holds, as in training, unless 64 sets of tensors are still less;
/// - in turn, so that changes of the clock rate affect all plans alike;
/// - as captured graphs, so that the time is that of the device.
/// Plans that fail are dropped and, after a first round, those more than twice as slow as its best. Throws
/// ErrorCode::environment when all fail.
Fastest fastest_plan(const OperationGraph& graph, const std::vector<Plan>& plans);

/// Chosen plans on disk, so that the next run starts at once. One JSON file per version of cuDNN and kind of
/// device. Errors are reported once on stderr and otherwise ignored: planning works without the cache.
class PlanCache {
 public:
  struct Entry {
    std::string plan;         ///< Plan::json()
    double microseconds = 0;  ///< measured when the plan was chosen
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// An empty `folder` disables the cache. A damaged file counts as empty.
  PlanCache(const std::filesystem::path& folder, std::size_t cudnn_version, const std::string& device);

  /// `key` holds everything that the choice depends on besides version and device.
  std::optional<Entry> find(const std::string& key) const;
  /// Also writes the file, merged with the entries that other processes have stored meanwhile.
  void store(const std::string& key, const Entry& entry);

  const std::filesystem::path& file() const { return file_; }

 private:
  void load();
  void save();
  void report(const std::string& error);

  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
  bool reported_ = false;
};

/// $XDG_CACHE_HOME/salunet or ~/.cache/salunet; empty when neither is known.
std::filesystem::path cache_folder();

}  // namespace salu::cuda
