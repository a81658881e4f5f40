// SPDX-License-Identifier: MIT
/// SIGINT and SIGTERM: the first asks the run to save and stop; another, a second or more after it, ends the
/// run at once. Sooner it counts as the same: terminals, mpirun and timeout(1) may deliver one twice.
#pragma once

namespace salu {

void install_stop_signals();
/// The signal that requested a stop, or 0.
int stop_signal();
/// Stops this rank because another one received `signal`.
void adopt_stop_signal(int signal);

}  // namespace salu
