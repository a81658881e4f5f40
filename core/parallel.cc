// SPDX-License-Identifier: MIT
#include "core/parallel.h"

#include <omp.h>

#include "core/error.h"

namespace salu {
namespace {
int threads_in_use = 0;  // 0: not set yet
}

void set_num_threads(int threads) {
  if (threads < 0) fail(ErrorCode::usage, "--threads: {} is not a whole number >= 0", threads);
  threads_in_use = threads == 0 ? omp_get_num_procs() : threads;
}

int num_threads() {
  if (threads_in_use == 0) threads_in_use = omp_get_num_procs();
  return threads_in_use;
}

bool in_parallel() { return omp_in_parallel() != 0; }

}  // namespace salu
