// SPDX-License-Identifier: MIT
/// The device seam (cuda/runtime.h) on the host.
#include "cuda/runtime.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "cuda/host/memory.h"
#include "cuda/host/queue.h"

namespace salu::cuda {

using namespace host;

const char* backend_name() { return "cuda-host"; }
int device_count() { return 1; }

void use_device(int index) {
  if (index != 0) {
    fail(ErrorCode::environment, "--device cuda:{}: the host stands in for one device; expected cuda:0",
         index);
  }
}

DeviceInfo device_info() {
  DeviceInfo info;
  info.name = "host";
  info.major = 9;
  info.multiprocessors = 2;  // few, so that small tensors already give every block several rounds
  info.total_bytes = info.free_bytes = std::size_t{8} << 30;
  return info;
}

void* allocate_raw(std::size_t bytes) {
  forbid_recording("allocating device memory");
  return allocate_device(bytes);
}
void release_raw(void* block) {
  drain();  // as cudaFree does
  release_device(block);
}
void* allocate_pinned(std::size_t bytes) { return std::malloc(bytes); }
void release_pinned(void* block) { std::free(block); }

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  drain();
  const DeviceAccess access;
  std::memcpy(to, from, bytes);
}
void copy_to_host(void* to, const void* from, std::size_t bytes) {
  drain();
  const DeviceAccess access;
  std::memcpy(to, from, bytes);
}
void copy_on_device(void* to, const void* from, std::size_t bytes) {
  enqueue([=] {
    const DeviceAccess access;
    std::memmove(to, from, bytes);
  });
}
void fill_bytes(void* to, int byte, std::size_t bytes) {
  enqueue([=] {
    const DeviceAccess access;
    std::memset(to, byte, bytes);
  });
}
void queue_copy_to_device(void* to, const void* from, std::size_t bytes) { copy_on_device(to, from, bytes); }
void queue_copy_to_host(void* to, const void* from, std::size_t bytes) { copy_on_device(to, from, bytes); }
void synchronize() { drain(); }

namespace {

/// The place in the stream that an Event marks, and when it was passed.
struct Mark {
  std::uint64_t place = 0;
  std::chrono::steady_clock::time_point time;
};

}  // namespace

Event::Event() : handle_(new Mark) {}
Event::~Event() { delete static_cast<Mark*>(handle_); }
void Event::record() {
  Mark* mark = static_cast<Mark*>(handle_);
  mark->place = enqueued();
  mark->time = std::chrono::steady_clock::now();
}
bool Event::passed() const { return finished() >= static_cast<Mark*>(handle_)->place; }
void Event::wait() const {
  if (!passed()) drain();
}
double Event::milliseconds_since(const Event& earlier) const {
  const auto span = static_cast<Mark*>(handle_)->time - static_cast<Mark*>(earlier.handle_)->time;
  return std::chrono::duration<double, std::milli>(span).count();
}

struct Graph::State {
  std::vector<Work> works;
};

Graph::Graph() : state_(std::make_unique<State>()) {}
Graph::~Graph() = default;
void Graph::begin() {
  drain();
  recorded_ = false;
  start_recording();
}
void Graph::end() {
  state_->works = stop_recording();
  recorded_ = true;
}
void Graph::replay() {
  for (const Work& work : state_->works) enqueue(work);
}
bool recording() { return is_recording(); }

}  // namespace salu::cuda
