// SPDX-License-Identifier: MIT
#include "cuda/library/measure.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "core/error.h"
#include "core/rng.h"
#include "cuda/library/handles.h"
#include "cuda/runtime/runtime.h"
#include "cuda/runtime/runtime_cuda.h"

namespace salu::cuda {
namespace {

constexpr int kRounds = 9;
constexpr double kHopeless = 2;  ///< times the best of the first round that counts
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
  copy_to_device(memory, block.data(), done);
  while (done < bytes) {
    const std::size_t step = std::min(done, bytes - done);
    copy_on_device(memory + done, memory, step);
    done += step;
  }
}

/// Sets of tensors for a graph.
class RotatingMemory {
 public:
  explicit RotatingMemory(const OperationGraph& graph) {
    std::size_t set_bytes = 0;
    for (const MemoryTensor& t : graph.memory_tensors()) set_bytes += aligned(t.bytes());
    std::size_t sets = std::clamp<std::size_t>(2 * l2_bytes() / set_bytes + 1, 1, kMostSets);
    memory_ = static_cast<char*>(allocate_raw(sets * set_bytes));
    if (!memory_) memory_ = static_cast<char*>(allocate_raw((sets = 1) * set_bytes));
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
  ~RotatingMemory() { release_raw(memory_); }
  RotatingMemory(const RotatingMemory&) = delete;
  RotatingMemory& operator=(const RotatingMemory&) = delete;

  const std::vector<std::vector<Plan::Binding>>& sets() const { return sets_; }

 private:
  char* memory_ = nullptr;
  std::vector<std::vector<Plan::Binding>> sets_;
};

/// One plan's runs over all sets, recorded.
struct Contender {
  std::size_t index;
  std::unique_ptr<Graph> runs = std::make_unique<Graph>();
  std::vector<double> milliseconds = {};

  double median() {
    const auto middle = milliseconds.begin() + kRounds / 2;
    std::nth_element(milliseconds.begin(), middle, milliseconds.end());
    return *middle;
  }
};

void record(Contender& contender, const Plan& plan, const RotatingMemory& memory) {
  // Outside of the recording first: loading code is not allowed in it.
  plan.execute(cudnn_handle(), memory.sets().front(), library_workspace());
  synchronize();
  contender.runs->begin();
  std::exception_ptr failure;
  try {
    for (const auto& set : memory.sets()) plan.execute(cudnn_handle(), set, library_workspace());
  } catch (const Error&) {
    failure = std::current_exception();
  }
  contender.runs->end();
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

/// Keeps only contenders that may win: a slow one would cost as much time as all others together.
void drop_hopeless(std::vector<Contender>& contenders) {
  double best = std::numeric_limits<double>::infinity();
  for (const Contender& c : contenders) best = std::min(best, c.milliseconds.front());
  std::erase_if(contenders, [&](const Contender& c) { return c.milliseconds.front() > kHopeless * best; });
}

/// Appends one time to each contender's.
void run_round(std::vector<Contender>& contenders) {
  Event start, stop;
  for (Contender& contender : contenders) {
    start.record();
    contender.runs->replay();
    stop.record();
    stop.wait();
    contender.milliseconds.push_back(stop.milliseconds_since(start));
  }
}

}  // namespace

Fastest fastest_plan(const OperationGraph& graph, const std::vector<Plan>& plans) {
  const RotatingMemory memory(graph);
  std::vector<Contender> contenders = record_all(plans, memory);
  run_round(contenders);  // warms up: the first contender may meet a low clock rate
  for (Contender& contender : contenders) contender.milliseconds.clear();
  run_round(contenders);
  drop_hopeless(contenders);
  for (int round = 1; round < kRounds; ++round) run_round(contenders);
  const auto best = std::ranges::min_element(contenders, {}, &Contender::median);
  return {best->index, best->median() * 1e3 / static_cast<double>(memory.sets().size())};
}

}  // namespace salu::cuda
