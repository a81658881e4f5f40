// SPDX-License-Identifier: MIT
/// Numbers and memory that kernels need beside their tensors.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace salu::cuda {

inline constexpr Device kDevice{DeviceType::cuda, 0};

/// A counter in device memory that is zero before and after every kernel (last_block() in kernel.cuh). All
/// kernels share it, as they run one after another in one stream.
unsigned* ticket();

/// Number of blocks of a kernel that walks over its data with the whole grid.
std::int64_t grid_blocks(int per_multiprocessor);

/// Shared memory that one block may ask for.
std::size_t block_shared_bytes();

/// The number of gpu::set_step_offset(), in device memory.
const std::uint32_t* step_offset();

/// Uninitialised device memory for parts of a sum; lives as long as the tensor.
Tensor scratch(std::int64_t count, DType dtype);

}  // namespace salu::cuda
