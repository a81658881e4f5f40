// SPDX-License-Identifier: MIT
#include "cuda/scratch.h"

#include "cuda/runtime.h"

namespace salu::cuda {

unsigned* ticket() {
  // Leaked on purpose: the driver may be gone when destructors of static objects run.
  static unsigned* counter = [] {
    auto* p = static_cast<unsigned*>(allocate_raw(sizeof(unsigned)));
    fill_bytes(p, 0, sizeof(unsigned));
    return p;
  }();
  return counter;
}

std::int64_t grid_blocks(int per_multiprocessor) {
  static const int multiprocessors = device_info().multiprocessors;
  return std::int64_t{multiprocessors} * per_multiprocessor;
}

Tensor scratch(std::int64_t count, DType dtype) { return Tensor::empty({count}, dtype, kDevice); }

}  // namespace salu::cuda
