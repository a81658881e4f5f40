// SPDX-License-Identifier: MIT
#include "core/ops/gelu.h"
#include "core/ops/scalar_math.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

template <GeluKind kind>
struct Value {
  __device__ float operator()(float v) const {
    return kind == GeluKind::erf ? gelu_erf_value(v) : gelu_tanh_value(v);
  }
};
template <GeluKind kind>
struct Gradient {
  __device__ float operator()(float g, float v) const {
    return g * (kind == GeluKind::erf ? gelu_erf_slope(v) : gelu_tanh_slope(v));
  }
};

void forward(Tensor& y, const Tensor& x, GeluKind kind) {
  if (kind == GeluKind::erf) {
    map_elements("gelu", y, Value<GeluKind::erf>{}, x);
  } else {
    map_elements("gelu", y, Value<GeluKind::tanh>{}, x);
  }
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x, GeluKind kind) {
  if (kind == GeluKind::erf) {
    map_elements("gelu", dx, Gradient<GeluKind::erf>{}, dy, x);
  } else {
    map_elements("gelu", dx, Gradient<GeluKind::tanh>{}, dy, x);
  }
}

}  // namespace

void register_gelu() {
  gelu_kernels.forward.set(DeviceType::cuda, forward);
  gelu_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
