// SPDX-License-Identifier: MIT
#include "train/signals.h"

#include <unistd.h>

#include <csignal>

namespace salu {
namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int signal) {
  if (received) _exit(128 + signal);  // committed checkpoints stay valid at any instant
  received = signal;
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // the flag is polled: no call has to be interrupted
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int stop_signal() { return received; }
void adopt_stop_signal(int signal) { received = signal; }

}  // namespace salu
