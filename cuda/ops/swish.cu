// SPDX-License-Identifier: MIT
#include "core/ops/scalar_math.h"
#include "core/ops/swish.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

struct Value {
  __device__ float operator()(float v) const { return swish_value(v); }
};
struct Gradient {
  __device__ float operator()(float g, float v) const { return g * swish_slope(v); }
};

void forward(Tensor& y, const Tensor& x) { map_elements("swish", y, Value{}, x); }
void backward(Tensor& dx, const Tensor& dy, const Tensor& x) { map_elements("swish", dx, Gradient{}, dy, x); }

}  // namespace

void register_swish() {
  swish_kernels.forward.set(DeviceType::cuda, forward);
  swish_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
