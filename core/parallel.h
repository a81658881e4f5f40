// SPDX-License-Identifier: MIT
/// Loops over threads whose results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace salu {

/// Number of threads of the op loops; 0 uses all cores. Throws ErrorCode::usage when negative.
void set_num_threads(int threads);
int num_threads();
/// True inside a parallel_for body: nested loops then run on the calling thread.
bool in_parallel();

/// Runs `run(body, c)` for every chunk c of [0, chunks) on the calling thread and on those of a pool. Each
/// takes the next chunk when it is free. The caller waits for chunks that others have begun, never for a
/// thread that has begun none: a thread without a core delays no loop.
void run_chunks(std::int64_t chunks, void (*run)(const void* body, std::int64_t chunk), const void* body);

/// Chunk size of elementwise loops, in elements: 64 KiB of f32.
inline constexpr std::int64_t kElementwiseGrain = 16384;

/// Calls `body(begin, end)` for the chunks [0,grain), [grain,2 grain), … of [0,n). The chunks depend on n and
/// grain only, so a body that writes only its own range gives the same bits with any number of threads.
/// Rethrows in the caller the exception of the first chunk that failed.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t grain, Body&& body) {
  const std::int64_t chunks = (n + grain - 1) / grain;
  const auto chunk = [&](std::int64_t c) { body(c * grain, std::min((c + 1) * grain, n)); };
  if (chunks <= 1 || num_threads() == 1 || in_parallel()) {
    for (std::int64_t c = 0; c < chunks; ++c) chunk(c);
    return;
  }
  run_chunks(
      chunks, [](const void* f, std::int64_t c) { (*static_cast<decltype(&chunk)>(f))(c); }, &chunk);
}

/// Sum of `body(begin, end)` over the chunks of parallel_for, added in the order of the chunks.
template <class Sum, class Body>
Sum parallel_sum(std::int64_t n, std::int64_t grain, Body&& body) {
  std::vector<Sum> partial(static_cast<std::size_t>((n + grain - 1) / grain));
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    partial[static_cast<std::size_t>(begin / grain)] = body(begin, end);
  });
  Sum total{};
  for (const Sum& p : partial) total += p;
  return total;
}

}  // namespace salu
