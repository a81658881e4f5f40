// SPDX-License-Identifier: MIT
/// core/gpu.h on the host: the stream, and memory, copies, events and graphs around it.
#include "cuda/host/stream.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <utility>

#include "core/error.h"
#include "core/gpu.h"
#include "cuda/host/host.h"
#include "cuda/host/memory.h"

namespace salu::cuda::host {
namespace {

std::deque<Work> queue;
thread_local std::vector<Work>* recording_to =
    nullptr;  // thread_local, because other threads may allocate pinned memory meanwhile
bool deferred = false;

}  // namespace

void enqueue(Work work) {
  if (recording_to) {
    recording_to->push_back(std::move(work));
  } else if (deferred) {
    queue.push_back(std::move(work));
  } else {
    work();
  }
}

bool run_one_queued() {
  if (queue.empty()) return false;
  const Work work = std::move(queue.front());
  queue.pop_front();
  try {
    work();
  } catch (...) {
    queue.clear();
    throw;
  }
  return true;
}

void run_queued() {
  while (run_one_queued()) {
  }
}

void set_deferred(bool on) {
  deferred = on;
  if (!on) run_queued();
}

void record_to(std::vector<Work>* recording) { recording_to = recording; }
std::vector<Work>* recorded_to() { return recording_to; }

void refuse_while_recording(const char* what) {
  if (!recording_to) return;
  fail(ErrorCode::environment,
       "cuda-host: {} while a graph is being recorded; expected only launches and queued copies", what);
}

}  // namespace salu::cuda::host

namespace salu::gpu {

namespace host = cuda::host;

namespace {

using Clock = std::chrono::steady_clock;

/// Few, so that grids stay small, but more than one, so that they have several blocks.
constexpr int kMultiprocessors = 2;

void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const host::DeviceAccess access;
  std::memmove(to, from, bytes);
}

/// Queues a copy. `check` runs now and again before the copy, because a block may be released in between.
template <class Check>
void queue_copy(void* to, const void* from, std::size_t bytes, Check check) {
  check();
  host::enqueue([=] {
    check();
    copy(to, from, bytes);
  });
}

/// State of an Event, shared with the stream because the event may be destroyed first.
struct Point {
  int recorded = 0, passed = 0;  ///< counts
  Clock::time_point time;

  bool reached() const { return passed == recorded; }
};
Point& point_of(const std::shared_ptr<void>& state) { return *static_cast<Point*>(state.get()); }

/// State of a Graph.
struct Recorded {
  std::vector<host::Work> work;
  bool complete = false;
  ~Recorded() {
    if (host::recorded_to() == &work) host::record_to(nullptr);
  }
};

}  // namespace

const char* backend_name() { return "cuda-host"; }
int device_count() { return 1; }

void use_device(int index) {
  if (index == 0) return;
  fail(ErrorCode::environment,
       "--device cuda:{}: this build runs kernels on the host, as one device; expected cuda:0", index);
}

DeviceInfo device_info() {
  const std::size_t total = host::device_bytes_limit(), used = host::device_bytes_in_use();
  return {
      .name = "host", .multiprocessors = kMultiprocessors, .total_bytes = total, .free_bytes = total - used};
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

std::shared_ptr<void> allocate_pinned(std::size_t bytes) {
  host::refuse_while_recording("allocation of pinned memory");
  return {host::allocate_host_pinned(bytes), [](void* block) {
            host::refuse_while_recording("release of pinned memory");
            host::run_queued();
            host::release_host_pinned(block);
          }};
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
  queue_copy(to, from, bytes, [=] {
    host::check_device_range("copy on the device", to, bytes);
    host::check_device_range("copy on the device", from, bytes);
  });
}

void queue_copy_to_device(void* to, const void* pinned, std::size_t bytes) {
  queue_copy(to, pinned, bytes, [=] {
    host::check_device_range("queued copy to the device", to, bytes);
    host::check_pinned_range("queued copy to the device", pinned, bytes);
  });
}

void queue_copy_to_host(void* pinned, const void* from, std::size_t bytes) {
  queue_copy(pinned, from, bytes, [=] {
    host::check_pinned_range("queued copy to the host", pinned, bytes);
    host::check_device_range("queued copy to the host", from, bytes);
  });
}

void synchronize() {
  host::refuse_while_recording("synchronize");
  host::run_queued();
}

Event::Event() : state_(std::make_shared<Point>()) {}

void Event::record() {
  host::refuse_while_recording("an event");
  ++point_of(state_).recorded;
  host::enqueue([state = state_] {
    ++point_of(state).passed;
    point_of(state).time = Clock::now();
  });
}

void Event::wait() const {
  host::refuse_while_recording("waiting for an event");
  while (!point_of(state_).reached()) {
    if (host::run_one_queued()) continue;
    fail(ErrorCode::environment, "cuda-host: waits for an event after work that failed");
  }
}

double Event::milliseconds_since(const Event& earlier) const {
  const Point &from = point_of(earlier.state_), &to = point_of(state_);
  if (from.recorded == 0 || to.recorded == 0 || !from.reached() || !to.reached()) {
    fail(ErrorCode::environment,
         "cuda-host: time between events that have not passed; expected wait() first");
  }
  return std::chrono::duration<double, std::milli>(to.time - from.time).count();
}

void Graph::begin() {
  host::refuse_while_recording("a second graph");
  const auto recorded = std::make_shared<Recorded>();
  state_ = recorded;
  host::record_to(&recorded->work);
}

void Graph::end() {
  auto* recorded = static_cast<Recorded*>(state_.get());
  if (!recorded || host::recorded_to() != &recorded->work) {
    fail(ErrorCode::environment,
         "cuda-host: the end of a graph that is not being recorded; expected begin() first");
  }
  host::record_to(nullptr);
  recorded->complete = true;
}

void Graph::replay() {
  host::refuse_while_recording("replay of a graph");
  const auto* recorded = static_cast<const Recorded*>(state_.get());
  if (!recorded || !recorded->complete) {
    fail(ErrorCode::environment, "cuda-host: replay of a graph without a recording");
  }
  for (const host::Work& work : recorded->work) host::enqueue(work);
}

bool recording() { return host::recorded_to() != nullptr; }

}  // namespace salu::gpu
