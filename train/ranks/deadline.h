// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "train/ranks/awake_clock.h"

namespace salu {

/// Calls `late` from a thread of its own when it lives longer than so many seconds: around a call that may
/// never return.
class Deadline {
 public:
  Deadline(double seconds, std::function<void()> late)
      : thread_([=](const std::stop_token& stop) {
          AwakeClock clock;
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any ended;
          while (clock.seconds() < seconds) {
            if (ended.wait_for(lock, stop, std::chrono::milliseconds(100),
                               [&] { return stop.stop_requested(); }))
              return;
          }
          if (!stop.stop_requested()) late();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace salu
