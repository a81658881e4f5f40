// SPDX-License-Identifier: MIT
#include "core/ops/onednn.h"

#include <omp.h>

namespace salu {

SingleThread::SingleThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
SingleThread::~SingleThread() { omp_set_num_threads(before_); }

}  // namespace salu
