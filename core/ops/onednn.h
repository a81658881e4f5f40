// SPDX-License-Identifier: MIT
/// The convolution of the CPU by oneDNN, in f32, and the guard that keeps its results independent of the
/// thread count.
#pragma once

#include "core/ops/options.h"
#include "core/tensor.h"

namespace salu {

/// While alive, oneDNN calls of this thread use one thread. Its weight gradients change bits with the thread
/// count (2 of 5 shapes between 1 and 2 threads), so every call runs on one thread over a slice fixed by the
/// shape, and parallelism comes from the slices.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  int before_;
};

}  // namespace salu

namespace salu::onednn {

/// Activations stay channels last; weights are reordered to oneDNN's own format and back. The batch is cut
/// into slices fixed by the shape, each on one thread, so results do not depend on the thread count. bf16 is
/// converted slice by slice; every result is rounded once.
void conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options);
void conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options);
void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options);  ///< dw +=

}  // namespace salu::onednn
