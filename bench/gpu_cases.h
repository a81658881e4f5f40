// SPDX-License-Identifier: MIT
/// The cases of bench_kernels, by family.
#pragma once

#include <vector>

#include "bench/gpu_case.h"

namespace salu::bench {

struct CaseOptions {
  bool smoke = false;    ///< tiny shapes, which only show that every case runs
  bool library = false;  ///< cuDNN and cuBLASLt are there
};

using CaseList = std::vector<KernelCase>;

/// Copies of several sizes, the largest last, and a large product of the library.
CaseList copy_cases(const CaseOptions& options);
CaseList ceiling_product_cases(const CaseOptions& options);

CaseList salu_cases(const CaseOptions& options);       ///< the five functions, and backward without sums
CaseList pointwise_cases(const CaseOptions& options);  ///< add, relu, gelu, dyt
CaseList row_cases(const CaseOptions& options);        ///< cross entropy and the norms
CaseList pool_cases(const CaseOptions& options);
CaseList attention_cases(const CaseOptions& options);
CaseList convolution_cases(const CaseOptions& options);  ///< direct, implicit product, library
CaseList product_cases(const CaseOptions& options);      ///< the rungs of the ladder, and the library
CaseList optimizer_cases(const CaseOptions& options);
/// All convolutions and products of a training step, back to back: the floor of the step.
CaseList floor_cases(const CaseOptions& options);

}  // namespace salu::bench
