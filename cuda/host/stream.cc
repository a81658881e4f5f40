// SPDX-License-Identifier: MIT
#include "cuda/host/stream.h"

#include <deque>
#include <utility>

#include "core/error.h"
#include "cuda/host/host.h"

namespace salu::cuda::host {
namespace {

std::deque<Work> queue;
thread_local std::vector<Work>* recording_to = nullptr;  // other threads may go on taking pinned memory
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
