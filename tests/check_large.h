// SPDX-License-Identifier: MIT
/// Tensors of several chunks: the samples of test_op are too small to leave the first one.
#pragma once

#include <functional>
#include <vector>

#include "autograd/variable.h"

namespace salu::test {

inline constexpr std::int64_t kRows = 1361, kChannels = 33;  // 44,913 elements: 2.7 chunks
inline const Shape kShape{kRows, kChannels};

/// y, then the gradients of the inputs.
using Results = std::vector<Tensor>;
using Inputs = std::vector<Tensor>;
using Function = std::function<Variable(const std::vector<Variable>&)>;
/// Plain loops in f64: y and the gradients of all inputs for the upstream gradient dy.
using Reference = std::function<Results(const Inputs& in, const Tensor& dy)>;

/// f64 and f32 against the reference, and the bits of f32 with 1, 2, 3 and 8 threads.
void check_large(const char* name, const Function& function, Inputs inputs, Tensor dy,
                 const Reference& reference);

/// Zeros to sum into: y, then one gradient per input.
Results zeros_for(const Inputs& in, const Shape& y);

}  // namespace salu::test
