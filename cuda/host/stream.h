// SPDX-License-Identifier: MIT
/// The compute stream on the host: runs work at once, queues it (deferred), or records it for a graph.
#pragma once

#include <functional>
#include <vector>

namespace salu::cuda::host {

using Work = std::function<void()>;

/// Runs `work`, or queues or records it.
void enqueue(Work work);
/// Runs all queued work. When something throws, the rest of the queue is dropped.
void run_queued();
/// Runs the oldest piece of queued work; false when there is none.
bool run_one_queued();

/// From now on enqueue() appends to `recording`; null ends it.
void record_to(std::vector<Work>* recording);
std::vector<Work>* recorded_to();
/// Throws ErrorCode::environment when a graph is being recorded: `what` waits or touches memory at once.
void refuse_while_recording(const char* what);

}  // namespace salu::cuda::host
