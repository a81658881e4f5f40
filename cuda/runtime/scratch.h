// SPDX-License-Identifier: MIT
/// Numbers and memory that kernels need beside their tensors.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace salu::cuda {

inline constexpr Device kDevice{DeviceType::cuda, 0};

/// A counter in device memory that is zero before and after every kernel (last_block() in kernel.cuh). All
/// kernels share it, because they run one after another in one stream.
unsigned* ticket();

/// Number of blocks for a grid-stride loop.
std::int64_t grid_blocks(int per_multiprocessor);

/// Largest shared memory of one block, in bytes.
std::size_t block_shared_bytes();

/// The number set by gpu::set_step_offset(), in device memory.
const std::uint32_t* step_offset();

/// Uninitialized device memory for partial sums; lives as long as the tensor.
Tensor scratch(std::int64_t count, DType dtype);

}  // namespace salu::cuda
