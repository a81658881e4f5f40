// SPDX-License-Identifier: MIT
/// The seeded bugs: mistakes in kernels, in launches, and in the host code around them.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "tests/simt/device_array.h"

namespace salu::test {

/// What the bugs work on.
struct Buffers {
  std::vector<float> host = exact_values(4096);
  DeviceArray<float> x{host};
  DeviceArray<float> y{std::vector<float>(1024)};             ///< the result
  DeviceArray<float> hundred{std::vector<float>(100, 1.0f)};  ///< element 100 is out of bounds
  DeviceArray<float> result_of_hundred{std::vector<float>(100)};
  DeviceArray<int> classes;
  DeviceArray<int> bins{std::vector<int>(8)};  ///< of classes; a result too
  Buffers();
  std::vector<float> results() const;
};

struct Bug {
  const char* name;
  std::function<void(Buffers&)> run;
  /// What y[0] would be without the bug, where nothing but a wrong result can show it; else NaN.
  float wanted = std::numeric_limits<float>::quiet_NaN();
};
std::vector<Bug> kernel_bugs();  ///< in kernels
std::vector<Bug> host_bugs();    ///< in launches and around them

}  // namespace salu::test
