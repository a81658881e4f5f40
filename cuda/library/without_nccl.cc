// SPDX-License-Identifier: MIT
#include "cuda/library/nccl.h"

namespace salu::cuda {

void install_nccl() {}

}  // namespace salu::cuda
