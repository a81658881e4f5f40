// SPDX-License-Identifier: MIT
/// Kernels of the gate: correct ones, which no variant of the shim may report, and wrong ones, each of which
/// some variant must.
#pragma once

#include <string>
#include <vector>

namespace salu::test {

/// Device memory of one run. `exact` and `exact_out` hold 100 floats, so that index 100 is out of bounds.
struct GateBuffers {
  GateBuffers();
  ~GateBuffers();
  GateBuffers(const GateBuffers&) = delete;
  GateBuffers& operator=(const GateBuffers&) = delete;

  std::vector<float> host;  ///< what x holds: multiples of 1/4, so that sums are exact in any order
  float *x, *y;             ///< 4096 and 1024 floats; y starts as zeros
  float *exact, *exact_out;
  int *bins, *histogram;  ///< 1024 numbers 0..4, and 8 zeros
  unsigned* ticket;
};

struct GateKernel {
  const char* name;
  void (*run)(GateBuffers& d);
};

/// Each writes to y; the gate compares y between schedules.
const std::vector<GateKernel>& correct_kernels();
const std::vector<GateKernel>& seeded_bugs();

}  // namespace salu::test
