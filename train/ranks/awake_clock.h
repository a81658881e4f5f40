// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>

namespace salu {

/// Seconds that this process has been awake, for one that looks at the clock several times a second: a job
/// that was suspended as a whole must not take its other ranks for lost when it goes on.
class AwakeClock {
 public:
  double seconds() {
    const auto now = std::chrono::steady_clock::now();
    seconds_ += std::min(std::chrono::duration<double>(now - last_).count(), 1.0);
    last_ = now;
    return seconds_;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  double seconds_ = 0;
};

}  // namespace salu
