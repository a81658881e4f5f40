// SPDX-License-Identifier: MIT
/// Small things that kernels need beside their tensors.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace salu::cuda {

inline constexpr Device kDevice{DeviceType::cuda, 0};

/// A counter in device memory that is zero before and after every kernel (last_block() in kernel.cuh). One
/// serves all, because kernels run one after another in one stream.
unsigned* ticket();

/// Blocks of a kernel that walks over its data with the whole grid: `per_multiprocessor` on each.
std::int64_t grid_blocks(int per_multiprocessor);

/// Shared memory that one block may ask for.
std::size_t block_shared_bytes();

/// A number in device memory that kernels add to RandomKey::time: a replayed graph repeats its keys, and this
/// is what tells its steps apart. Zero unless set.
const std::uint32_t* step_offset();
/// Queued like a kernel: waits for nothing. Between graphs, not while one is recorded.
void set_step_offset(std::uint32_t offset);

/// Uninitialised device memory for parts of a sum; lives as long as the tensor.
Tensor scratch(std::int64_t count, DType dtype);

}  // namespace salu::cuda
