// SPDX-License-Identifier: MIT
/// The device seam on the host.
#include "cuda/runtime/runtime.h"

#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"
#include "cuda/host/device_memory.h"
#include "cuda/host/stream.h"

namespace salu::cuda {
namespace {

using Clock = std::chrono::steady_clock;

/// Few, so that grids stay small, and more than one, so that they have several blocks.
constexpr int kMultiprocessors = 2;

void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const host::DeviceAccess access;
  std::memmove(to, from, bytes);
}

/// Shared with the stream: an event may be destroyed before the stream reaches its mark.
struct Mark {
  int recorded = 0, passed = 0;
  Clock::time_point time;
};

std::shared_ptr<Mark>& mark_of(void* handle) { return *static_cast<std::shared_ptr<Mark>*>(handle); }

}  // namespace

const char* backend_name() { return "cuda-host"; }
int device_count() { return 1; }

void use_device(int index) {
  if (index == 0) return;
  fail(ErrorCode::environment,
       "--device cuda:{}: this build runs kernels on the host, as one device; expected cuda:0", index);
}

/// Claims what the kernels are written for: compute capability 9.0.
DeviceInfo device_info() {
  const std::size_t total = host::device_bytes_limit(), used = host::device_bytes_in_use();
  return {.name = "host",
          .major = 9,
          .minor = 0,
          .multiprocessors = kMultiprocessors,
          .total_bytes = total,
          .free_bytes = total - used};
}

void* allocate_raw(std::size_t bytes) {
  host::refuse_while_recording("allocation of device memory");
  return host::allocate_device(bytes);
}

/// Waits for the stream first, as CUDA does.
void release_raw(void* block) {
  if (!block) return;
  host::refuse_while_recording("release of device memory");
  host::run_queued();
  host::release_device(block);
}

void* allocate_pinned(std::size_t bytes) {
  host::refuse_while_recording("allocation of pinned memory");
  return host::allocate_host_pinned(bytes);
}

void release_pinned(void* block) {
  if (!block) return;
  host::refuse_while_recording("release of pinned memory");
  host::run_queued();
  host::release_host_pinned(block);
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  host::refuse_while_recording("copy from pageable memory");
  host::check_device_range("copy to the device", to, bytes);
  host::run_queued();
  copy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  host::refuse_while_recording("copy to pageable memory");
  host::check_device_range("copy to the host", from, bytes);
  host::run_queued();
  copy(to, from, bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes) {
  const auto check = [=] {
    host::check_device_range("copy on the device", to, bytes);
    host::check_device_range("copy on the device", from, bytes);
  };
  check();
  host::enqueue([=] {
    check();
    copy(to, from, bytes);
  });
}

void fill_bytes(void* to, int byte, std::size_t bytes) {
  host::check_device_range("fill of device memory", to, bytes);
  host::enqueue([=] {
    host::check_device_range("fill of device memory", to, bytes);
    const host::DeviceAccess access;
    if (bytes > 0) std::memset(to, byte, bytes);
  });
}

void queue_copy_to_device(void* to, const void* from, std::size_t bytes) {
  const auto check = [=] {
    host::check_device_range("queued copy to the device", to, bytes);
    host::check_pinned_range("queued copy to the device", from, bytes);
  };
  check();
  host::enqueue([=] {
    check();
    copy(to, from, bytes);
  });
}

void queue_copy_to_host(void* to, const void* from, std::size_t bytes) {
  const auto check = [=] {
    host::check_pinned_range("queued copy to the host", to, bytes);
    host::check_device_range("queued copy to the host", from, bytes);
  };
  check();
  host::enqueue([=] {
    check();
    copy(to, from, bytes);
  });
}

void synchronize() {
  host::refuse_while_recording("synchronize");
  host::run_queued();
}

Event::Event() : handle_(new std::shared_ptr<Mark>(std::make_shared<Mark>())) {}
Event::~Event() { delete static_cast<std::shared_ptr<Mark>*>(handle_); }

void Event::record() {
  host::refuse_while_recording("an event");
  const std::shared_ptr<Mark> mark = mark_of(handle_);
  ++mark->recorded;
  host::enqueue([mark] {
    ++mark->passed;
    mark->time = Clock::now();
  });
}

/// Every look lets the stream take one step, so that a loop of looks ends.
bool Event::passed() const {
  host::refuse_while_recording("a look at an event");
  const Mark& mark = *mark_of(handle_);
  const bool passed = mark.passed == mark.recorded;
  if (!passed) host::run_one_queued();
  return passed;
}

void Event::wait() const {
  host::refuse_while_recording("waiting for an event");
  const Mark& mark = *mark_of(handle_);
  while (mark.passed != mark.recorded) {
    if (host::run_one_queued()) continue;
    fail(ErrorCode::environment, "cuda-host: waits for an event behind work that failed");
  }
}

double Event::milliseconds_since(const Event& earlier) const {
  const Mark &from = *mark_of(earlier.handle_), &to = *mark_of(handle_);
  if (from.recorded == 0 || to.recorded == 0 || from.passed != from.recorded || to.passed != to.recorded) {
    fail(ErrorCode::environment,
         "cuda-host: time between events that have not passed; expected wait() first");
  }
  return std::chrono::duration<double, std::milli>(to.time - from.time).count();
}

struct Graph::State {
  std::vector<host::Work> work;
  ~State() {
    if (host::recorded_to() == &work) host::record_to(nullptr);
  }
};

Graph::Graph() : state_(std::make_unique<State>()) {}
Graph::~Graph() = default;

void Graph::begin() {
  host::refuse_while_recording("a second graph");
  state_ = std::make_unique<State>();
  recorded_ = false;
  host::record_to(&state_->work);
}

void Graph::end() {
  if (host::recorded_to() != &state_->work) {
    fail(ErrorCode::environment,
         "cuda-host: the end of a graph that is not being recorded; expected begin() first");
  }
  host::record_to(nullptr);
  recorded_ = true;
}

void Graph::replay() {
  host::refuse_while_recording("replay of a graph");
  if (!recorded_) fail(ErrorCode::environment, "cuda-host: replay of a graph without a recording");
  for (const host::Work& work : state_->work) host::enqueue(work);
}

bool recording() { return host::recorded_to() != nullptr; }

}  // namespace salu::cuda
