// SPDX-License-Identifier: MIT
#include "train/signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace salu {
namespace {

// timeout(1) signals the process, then its group: both count as one signal.
constexpr std::int64_t kOneSignal = 1'000'000'000;

std::atomic<int> received = 0;
std::atomic<std::int64_t> received_at = 0;
// Only lock-free atomics are allowed in a handler.
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kOneSignal + now.tv_nsec;
}

void on_signal(int signal) {
  if (received == 0) return adopt_stop_signal(signal);
  // Safe at any instant: committed checkpoints stay valid.
  if (nanoseconds() - received_at >= kOneSignal) _exit(128 + signal);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // the flag is polled, so no call has to be interrupted
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

int stop_signal() { return received; }
void adopt_stop_signal(int signal) {
  received_at = nanoseconds();  // set first, because a second signal may arrive in between
  received = signal;
}

}  // namespace salu
