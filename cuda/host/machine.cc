// SPDX-License-Identifier: MIT
#include "cuda/host/machine.h"

#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "cuda/host/sanitizer.h"

namespace salu::cuda::host {

Machine& machine() {
  // Never destroyed: kernels may run from destructors of static objects.
  static Machine* instance = new Machine;
  return *instance;
}

void set_schedule(std::uint64_t seed) { machine().schedule = seed; }
const Counters& counters() { return machine().counters; }

std::string place(const Thread& thread, const Location& at) {
  return fmt::format("kernel {}, {}:{}, thread ({},{},{}) of block ({},{},{}): ", machine().kernel,
                     at.file_name(), at.line(), thread.index.x, thread.index.y, thread.index.z, blockIdx.x,
                     blockIdx.y, blockIdx.z);
}

bool same_call(const Location& a, const Location& b) {
  const auto same = [](const char* s, const char* t) { return s == t || std::strcmp(s, t) == 0; };
  return a.line() == b.line() && a.column() == b.column() && same(a.file_name(), b.file_name()) &&
         same(a.function_name(), b.function_name());
}

void wait_as(State state, const Location& at) {
  const Quiet quiet;
  Thread& self = *machine().running;
  self.state = state;
  self.at = at;
  self.atomics = 0;
  self.fiber->suspend();
}

void fail_in_kernel(const Location& at, const std::string& what) {
  {
    const Quiet quiet;
    machine().error = place(*machine().running, at) + what;
  }
  wait_as(State::done, at);
  std::abort();  // an abandoned fiber is reset, never resumed
}

}  // namespace salu::cuda::host
