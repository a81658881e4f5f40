// SPDX-License-Identifier: MIT
#include "core/ops/relu.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

struct Value {
  __device__ float operator()(float v) const { return v < 0 ? 0 : v; }  // this way round NaN stays
};
struct Gradient {
  __device__ float operator()(float g, float v) const { return v > 0 ? g : 0; }
};

void forward(Tensor& y, const Tensor& x) { map_elements("relu", y, Value{}, x); }
void backward(Tensor& dx, const Tensor& dy, const Tensor& y) { map_elements("relu", dx, Gradient{}, dy, y); }

}  // namespace

void register_relu() {
  relu_kernels.forward.set(DeviceType::cuda, forward);
  relu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
