// SPDX-License-Identifier: MIT
#include "cuda/runtime/scratch.h"

#include "core/gpu.h"

namespace salu::cuda {
namespace {

/// One number in device memory, initially zero. Never destroyed: the driver may be gone when static
/// destructors run.
Tensor& device_number() { return *new Tensor(Tensor::zeros({1}, DType::i32, kDevice)); }

Tensor& offset_number() {
  static Tensor& number = device_number();
  return number;
}

}  // namespace

unsigned* ticket() {
  static Tensor& counter = device_number();
  return reinterpret_cast<unsigned*>(counter.data<std::int32_t>());
}

const std::uint32_t* step_offset() {
  return reinterpret_cast<const std::uint32_t*>(offset_number().data<std::int32_t>());
}

std::int64_t grid_blocks(int per_multiprocessor) {
  static const int multiprocessors = gpu::device_info().multiprocessors;
  return std::int64_t{multiprocessors} * per_multiprocessor;
}

std::size_t block_shared_bytes() {
  static const std::size_t bytes = gpu::device_info().shared_bytes;
  return bytes;
}

Tensor scratch(std::int64_t count, DType dtype) { return Tensor::empty({count}, dtype, kDevice); }

}  // namespace salu::cuda

void salu::gpu::set_step_offset(std::uint32_t offset) { cuda::offset_number().fill(offset); }
