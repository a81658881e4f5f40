// SPDX-License-Identifier: MIT
/// One measurement of a kernel: the bytes and operations that it needs at least, and the time it takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace salu::bench {

inline constexpr Device kGpu{DeviceType::cuda, 0};

struct KernelCase {
  std::string family, name, variant;
  double bytes = 0;  ///< every input read once, every output written once
  double flops = 0;  ///< 0: not counted
  /// Makes one set of tensors and returns the function that runs the kernel on it. Called several times: the
  /// sets take turns, so that together they are more than the L2 cache holds.
  std::function<std::function<void()>()> make;
};

struct MeasureOptions {
  double rotate_bytes = 256e6;  ///< of all sets, at most 64; no GPU of today has half as much L2
  int repeats = 40, fewest = 5;
  double seconds = 2;  ///< stop repeating after so long, once there are `fewest`
};

struct Measured {
  std::vector<double> us;  ///< of one run, from each repeat
  std::string error;       ///< why it did not run; then `us` is empty

  double quantile(double q) const;
  double median() const { return quantile(0.5); }
};

/// Runs every set once, records all of them as one graph, replays it, and divides. Errors become
/// Measured::error.
Measured measure(const KernelCase& kernel_case, const MeasureOptions& options);

/// The machine's own rates, which the others are compared with.
struct Ceilings {
  double copy_bytes = 0;  ///< per second, read + written, of the largest copy
  double gemm_flops = 0;  ///< per second; 0 where there is no library
};

/// One line of the table, and one JSON object.
std::string table_head();
std::string table_line(const KernelCase& kernel_case, const Measured& measured, const Ceilings& ceilings);
std::string json_line(const KernelCase& kernel_case, const Measured& measured, const Ceilings& ceilings);

/// Random numbers from a normal distribution; zeros would draw less power and so run faster.
Tensor noise(const Shape& shape, DType dtype);
Tensor device_empty(const Shape& shape, DType dtype);

}  // namespace salu::bench
