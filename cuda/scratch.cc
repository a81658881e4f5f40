// SPDX-License-Identifier: MIT
#include "cuda/scratch.h"

#include "cuda/runtime.h"

namespace salu::cuda {
namespace {

/// Device memory for one number, zero. Leaked on purpose: the driver may be gone when destructors of static
/// objects run.
template <class T>
T* device_number() {
  auto* number = static_cast<T*>(allocate_raw(sizeof(T)));
  fill_bytes(number, 0, sizeof(T));
  return number;
}

std::uint32_t* offset_number() {
  static std::uint32_t* number = device_number<std::uint32_t>();
  return number;
}

}  // namespace

unsigned* ticket() {
  static unsigned* counter = device_number<unsigned>();
  return counter;
}

const std::uint32_t* step_offset() { return offset_number(); }

void set_step_offset(std::uint32_t offset) { copy_to_device(offset_number(), &offset, sizeof offset); }

std::int64_t grid_blocks(int per_multiprocessor) {
  static const int multiprocessors = device_info().multiprocessors;
  return std::int64_t{multiprocessors} * per_multiprocessor;
}

std::size_t block_shared_bytes() {
  static const std::size_t bytes = device_info().shared_bytes;
  return bytes;
}

Tensor scratch(std::int64_t count, DType dtype) { return Tensor::empty({count}, dtype, kDevice); }

}  // namespace salu::cuda
