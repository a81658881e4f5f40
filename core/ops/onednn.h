// SPDX-License-Identifier: MIT
/// oneDNN: the guard that keeps its results independent of the thread count.
#pragma once

namespace salu {

/// While alive, oneDNN calls of this thread use one thread. Its weight gradients change bits with the thread
/// count (2 of 5 shapes between 1 and 2 threads), so every call runs on one thread over a slice fixed by the
/// shape, and parallelism comes from the slices.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  int before_;
};

}  // namespace salu
