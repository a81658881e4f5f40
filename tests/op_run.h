// SPDX-License-Identifier: MIT
/// Runs one sample of the op table forward and backward.
#pragma once

#include <vector>

#include "tests/op_samples.h"

namespace salu::test {

struct OpRun {
  Tensor y;
  std::vector<Tensor> gradients;  ///< of the inputs that take one; undefined where none arrived
};

/// The inputs as `function` takes them: f64 tensors in `dtype` (parameters in parameter_dtype(dtype)) on
/// `device`, each starting `start` elements into its storage, because kernels must not rely on alignment.
std::vector<Variable> op_inputs(const OpSample& sample, DType dtype, Device device = {},
                                std::int64_t start = 1);

/// Forward and backward with a random upstream gradient.
OpRun run_op(const OpSample& sample, DType dtype, Device device = {}, std::int64_t start = 1);

/// The sample with its inputs rounded as `dtype` would: what a run in `dtype` is compared with, in f64.
OpSample rounded(const OpSample& sample, DType dtype);

}  // namespace salu::test
