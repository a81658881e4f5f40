// SPDX-License-Identifier: MIT
/// Images have 3 channels, and tensor cores read 8: with fewer, cuDNN gathers patches in hundreds of
/// megabytes of workspace.
#pragma once

#include "core/tensor.h"

namespace salu::cuda {

inline constexpr std::int64_t kPaddedChannels = 8;

/// The shape with kPaddedChannels as its last dimension; throws ErrorCode::internal when that is larger.
Shape padded_channels(const Shape& shape);
/// A copy of (...,C), C <= kPaddedChannels, f32 or bf16, zero-padded to kPaddedChannels.
Tensor pad_channels(const Tensor& from);
/// sum += the first C channels of `part`; sum (...,C) is f32, part (...,kPaddedChannels) f32 or bf16.
void accumulate_channels(Tensor& sum, const Tensor& part);

}  // namespace salu::cuda
