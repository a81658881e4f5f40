// SPDX-License-Identifier: MIT
#include "cuda/library/planned_graph.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file_ops.h"
#include "core/gpu.h"
#include "core/rng.h"
#include "cuda/library/handles.h"
#include "cuda/runtime/runtime.h"

namespace salu::cuda {
namespace {

constexpr int kRounds = 9;
constexpr double kHopeless = 2;  ///< limit in the first round, relative to its best
constexpr std::size_t kMostSets = 64, kAligned = 256;

std::size_t aligned(std::size_t bytes) { return (bytes + kAligned - 1) / kAligned * kAligned; }

std::size_t l2_bytes() {
  int device = 0, bytes = 0;
  check_cuda(cudaGetDevice(&device), "device in use");
  check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device), "size of the L2 cache");
  return static_cast<std::size_t>(bytes);
}

/// Uniform in [-1, 1).
template <class T>
std::vector<T> random_numbers(std::size_t count) {
  std::vector<T> numbers(count);
  Rng rng({0, Purpose::test, 0, 0});
  for (T& v : numbers) v = T(2 * rng.uniform() - 1);
  return numbers;
}

/// Fills device memory with a random block, repeated.
template <class T>
void fill_random(char* memory, std::size_t bytes) {
  static const std::vector<T> block = random_numbers<T>(std::size_t{1} << 20);
  std::size_t done = std::min(bytes, block.size() * sizeof(T));
  gpu::copy_to_device(memory, block.data(), done);
  while (done < bytes) {
    const std::size_t step = std::min(done, bytes - done);
    gpu::copy_on_device(memory + done, memory, step);
    done += step;
  }
}

/// Several sets of tensors for a graph, used in rotation.
class RotatingMemory {
 public:
  explicit RotatingMemory(const OperationGraph& graph) {
    std::size_t set_bytes = 0;
    for (const MemoryTensor& t : graph.memory_tensors()) set_bytes += aligned(t.bytes());
    std::size_t sets = std::clamp<std::size_t>(2 * l2_bytes() / set_bytes + 1, 1, kMostSets);
    memory_ = static_cast<char*>(gpu::allocate_raw(sets * set_bytes));
    if (!memory_) memory_ = static_cast<char*>(gpu::allocate_raw((sets = 1) * set_bytes));
    if (!memory_) {
      fail(ErrorCode::environment,
           "device memory: no {} MiB left to choose a plan of cuDNN. Use a smaller batch", set_bytes >> 20);
    }
    char* next = memory_;
    for (std::size_t i = 0; i < sets; ++i) {
      std::vector<Plan::Binding>& set = sets_.emplace_back();
      for (const MemoryTensor& t : graph.memory_tensors()) {
        t.dtype == DType::f32 ? fill_random<float>(next, t.bytes()) : fill_random<bf16>(next, t.bytes());
        set.emplace_back(t.tensor, next);
        next += aligned(t.bytes());
      }
    }
  }
  ~RotatingMemory() { gpu::release_raw(memory_); }
  RotatingMemory(const RotatingMemory&) = delete;
  RotatingMemory& operator=(const RotatingMemory&) = delete;

  const std::vector<std::vector<Plan::Binding>>& sets() const { return sets_; }

 private:
  char* memory_ = nullptr;
  std::vector<std::vector<Plan::Binding>> sets_;
};

/// The captured runs of one plan over all sets.
struct Contender {
  std::size_t index;
  gpu::Graph runs = {};
  std::vector<double> milliseconds = {};

  double median() {
    const auto middle = milliseconds.begin() + kRounds / 2;
    std::nth_element(milliseconds.begin(), middle, milliseconds.end());
    return *middle;
  }
};

void record(Contender& contender, const Plan& plan, const RotatingMemory& memory) {
  // Runs once before the capture, which must not load code.
  plan.execute(cudnn_handle(), memory.sets().front(), library_workspace());
  gpu::synchronize();
  contender.runs.begin();
  std::exception_ptr failure;
  try {
    for (const auto& set : memory.sets()) plan.execute(cudnn_handle(), set, library_workspace());
  } catch (const Error&) {
    failure = std::current_exception();
  }
  contender.runs.end();
  if (failure) std::rethrow_exception(failure);
}

std::vector<Contender> record_all(const std::vector<Plan>& plans, const RotatingMemory& memory) {
  std::vector<Contender> contenders;
  std::string reason;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    try {
      Contender contender{i};
      record(contender, plans[i], memory);
      contenders.push_back(std::move(contender));
    } catch (const Error& e) {
      reason = e.what();
    }
  }
  if (contenders.empty())
    fail(ErrorCode::environment, "[cudnn] none of {} plans runs: {}", plans.size(), reason);
  return contenders;
}

/// Keeps only contenders that may win, because a slow one would take as much time as all others together.
void drop_hopeless(std::vector<Contender>& contenders) {
  double best = std::numeric_limits<double>::infinity();
  for (const Contender& c : contenders) best = std::min(best, c.milliseconds.front());
  std::erase_if(contenders, [&](const Contender& c) { return c.milliseconds.front() > kHopeless * best; });
}

/// Appends one time to each contender.
void run_round(std::vector<Contender>& contenders) {
  gpu::Event start, stop;
  for (Contender& contender : contenders) {
    start.record();
    contender.runs.replay();
    stop.record();
    stop.wait();
    contender.milliseconds.push_back(stop.milliseconds_since(start));
  }
}

const Target& this_device() {
  static const Target target = [] {
    int index = 0;
    check_cuda(cudaGetDevice(&index), "device in use");
    return Target::device(index);
  }();
  return target;
}

PlanCache& disk_cache() {
  static PlanCache cache(cache_folder(), cudnnGetVersion(), gpu::device_info().name);
  return cache;
}

std::optional<Plan> restored(const PlanCache::Entry& entry) {
  try {
    return Plan(entry.plan, this_device());
  } catch (const Error&) {
    return std::nullopt;  // possibly made by another driver; measuring replaces it
  }
}

constexpr int kFormat = 1;

std::string file_name(std::size_t cudnn_version, std::string device) {
  std::ranges::replace_if(
      device, [](unsigned char c) { return !std::isalnum(c); }, '-');
  return fmt::format("cudnn-{}-{}.json", cudnn_version, device);
}

}  // namespace

Fastest fastest_plan(const OperationGraph& graph, const std::vector<Plan>& plans) {
  const RotatingMemory memory(graph);
  std::vector<Contender> contenders = record_all(plans, memory);
  run_round(contenders);  // warm-up: the first contender may meet a low clock rate
  for (Contender& contender : contenders) contender.milliseconds.clear();
  run_round(contenders);
  drop_hopeless(contenders);
  for (int round = 1; round < kRounds; ++round) run_round(contenders);
  const auto best = std::ranges::min_element(contenders, {}, &Contender::median);
  return {best->index, best->median() * 1e3 / static_cast<double>(memory.sets().size())};
}

PlanCache::PlanCache(const std::filesystem::path& folder, std::size_t cudnn_version,
                     const std::string& device) {
  if (folder.empty()) return;
  file_ = folder / file_name(cudnn_version, device);
  load();
}

void PlanCache::report(const std::string& error) {
  if (!reported_) {
    fmt::print(stderr, "{}: {}; plans are measured anew\n", escaped(file_.string()), escaped(error));
  }
  reported_ = true;
}

void PlanCache::load() {
  std::error_code ignored;
  if (!std::filesystem::exists(file_, ignored)) return;
  try {
    const nlohmann::json content = nlohmann::json::parse(read_text(file_, ErrorCode::environment));
    if (content.at("format") != kFormat) throw std::runtime_error("another format");
    for (const auto& [key, entry] : content.at("plans").items()) {
      entries_[key] = {entry.at("plan"), entry.at("microseconds")};
    }
  } catch (const std::exception& e) {
    report(fmt::format("the plan cache is damaged ({})", e.what()));
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
  // Each process writes under its own name; renaming then replaces the file atomically.
  const std::filesystem::path unfinished = file_.string() + fmt::format(".{}", getpid());
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  try {
    FileWriter writer(real_files(), unfinished);
    writer.write(content.dump(1) + "\n");
    writer.finish();
    real_files().rename(unfinished, file_);
  } catch (const Error&) {
    std::filesystem::remove(unfinished, ignored);
    report("the plan cache cannot be written");
  }
}

std::filesystem::path cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && *xdg == '/') return std::filesystem::path(xdg) / "salunet";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return std::filesystem::path(home) / ".cache/salunet";
  return {};
}

PlannedGraph::PlannedGraph(const OperationGraph& graph, const PlanRules& rules) {
  check(!gpu::recording(), "[cudnn] expected a plan from a step before the recorded one, got none for {}",
        graph.text());
  const std::string key = rules.text() + graph.text();
  if (const auto entry = disk_cache().find(key)) {
    plan_ = restored(*entry);
    if (plan_) return;
  }
  std::vector<Plan> plans = allowed_plans(graph, this_device(), rules);
  if (plans.empty()) fail(ErrorCode::environment, "[cudnn] no plan for {}", graph.text());
  const Fastest best = fastest_plan(graph, plans);
  plan_ = std::move(plans[best.index]);
  disk_cache().store(key, {plan_->json(), best.microseconds});
}

void PlannedGraph::run(const std::vector<Plan::Binding>& bindings) const {
  plan_->execute(cudnn_handle(), bindings, library_workspace());
}

}  // namespace salu::cuda
