// SPDX-License-Identifier: MIT
/// The stream of the shim.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace salu::cuda::host {

using Work = std::function<void()>;

/// Runs the work at once; or, while a Graph records, keeps it there; or, in deferred mode, until drain().
void enqueue(Work work);
void drain();                             ///< runs what is queued; throws while a Graph records
void forbid_recording(const char* what);  ///< throws while a Graph records
void start_recording();
std::vector<Work> stop_recording();
bool is_recording();
std::uint64_t enqueued();  ///< works queued or run so far: a place in the stream
std::uint64_t finished();

}  // namespace salu::cuda::host
