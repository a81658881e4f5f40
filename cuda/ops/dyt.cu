// SPDX-License-Identifier: MIT
#include "core/ops/dyt.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/squash.cuh"

namespace salu::cuda {
namespace {

struct Tanh {
  __device__ ValueSlope<float> operator()(float u) const { return tanh_with_slope(u); }
};

void forward(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& gamma, const Tensor& beta) {
  squash_forward("dyt", y, x, {alpha.data<float>(), nullptr, gamma.data<float>(), beta.data<float>()},
                 Tanh{});
}

void backward(Tensor& dx, DytSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& gamma) {
  squash_backward("dyt", dx, dy, x, {alpha.data<float>(), nullptr, gamma.data<float>(), nullptr},
                  {gradient_data(sums.alpha), nullptr, gradient_data(sums.gamma), gradient_data(sums.beta)},
                  Tanh{});
}

}  // namespace

void register_dyt() {
  dyt_kernels.forward.set(DeviceType::cuda, forward);
  dyt_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
