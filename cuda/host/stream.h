// SPDX-License-Identifier: MIT
/// The compute stream on the host: runs work at once, queues it (deferred), or records it for a graph.
#pragma once

#include <functional>
#include <vector>

namespace salu::cuda::host {

using Work = std::function<void()>;

/// Runs, queues or records `work`, depending on the mode.
void enqueue(Work work);
/// Runs all queued work. After an exception, drops the rest of the queue.
void run_queued();
/// Runs the oldest piece of queued work; false when there is none.
bool run_one_queued();

/// Makes enqueue() append to `recording`; null ends it.
void record_to(std::vector<Work>* recording);
std::vector<Work>* recorded_to();
/// Throws ErrorCode::environment during a capture, for calls that wait or touch memory at once; `what` names
/// the call.
void refuse_while_recording(const char* what);

}  // namespace salu::cuda::host
