// SPDX-License-Identifier: MIT
#include "core/ops/add.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

void forward(Tensor& y, const Tensor& a, const Tensor& b) { map_elements("add", y, Sum{}, a, b); }

}  // namespace

void register_add() { add_kernels.forward.set(DeviceType::cuda, forward); }

}  // namespace salu::cuda
