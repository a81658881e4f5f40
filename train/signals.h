// SPDX-License-Identifier: MIT
/// SIGINT, SIGTERM and SIGHUP: the first makes the run save and stop; another, at least a second later, ends
/// it at once. An earlier one counts as the same signal, because terminals, mpirun and timeout(1) may deliver
/// one twice.
#pragma once

namespace salu {

void install_stop_signals();  ///< those that are ignored at the start, as under nohup, stay ignored
/// The signal that requested a stop, or 0.
int stop_signal();
/// Stops this rank because another one received `signal`.
void adopt_stop_signal(int signal);

}  // namespace salu
