// SPDX-License-Identifier: MIT
#include "cuda/host/queue.h"

#include <deque>
#include <utility>

#include "core/error.h"
#include "cuda/host/launch.h"

namespace salu::cuda::host {
namespace {

struct Queue {
  std::deque<Work> waiting;
  std::vector<Work> recorded;
  bool deferred = false, recording = false;
  std::uint64_t enqueued = 0, finished = 0;
};

Queue& queue() {
  static Queue* instance = new Queue;
  return *instance;
}

}  // namespace

void enqueue(Work work) {
  Queue& q = queue();
  if (q.recording) {
    q.recorded.push_back(std::move(work));
    return;
  }
  ++q.enqueued;
  if (q.deferred) {
    q.waiting.push_back(std::move(work));
  } else {
    ++q.finished;
    work();
  }
}

void drain() {
  forbid_recording("waiting for the device");
  Queue& q = queue();
  while (!q.waiting.empty()) {
    const Work work = std::move(q.waiting.front());
    q.waiting.pop_front();
    ++q.finished;
    work();
  }
}

void forbid_recording(const char* what) {
  if (queue().recording) fail(ErrorCode::environment, "{}: not possible while a graph is recorded", what);
}

void start_recording() {
  queue().recorded.clear();
  queue().recording = true;
}

std::vector<Work> stop_recording() {
  queue().recording = false;
  return std::move(queue().recorded);
}

bool is_recording() { return queue().recording; }
std::uint64_t enqueued() { return queue().enqueued; }
std::uint64_t finished() { return queue().finished; }

void set_deferred(bool on) {
  drain();
  queue().deferred = on;
}

}  // namespace salu::cuda::host
