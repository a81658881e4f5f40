// SPDX-License-Identifier: MIT
/// Kernels without a mistake, and what they must give.
#pragma once

#include <vector>

namespace salu::test {

struct CorrectKernel {
  const char* name;
  bool (*agrees)();  ///< runs it and compares with plain loops
};
const std::vector<CorrectKernel>& correct_kernels();

}  // namespace salu::test
