// SPDX-License-Identifier: MIT
#include "core/ops/derf.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/squash.cuh"

namespace salu::cuda {
namespace {

struct Erf {
  __device__ ValueSlope<float> operator()(float u) const { return erf_with_slope(u); }
};

void forward(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& shift, const Tensor& gamma,
             const Tensor& beta) {
  squash_forward("derf", y, x,
                 {alpha.data<float>(), shift.data<float>(), gamma.data<float>(), beta.data<float>()}, Erf{});
}

void backward(Tensor& dx, DerfSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& shift, const Tensor& gamma) {
  squash_backward("derf", dx, dy, x, {alpha.data<float>(), shift.data<float>(), gamma.data<float>(), nullptr},
                  {gradient_data(sums.alpha), gradient_data(sums.shift), gradient_data(sums.gamma),
                   gradient_data(sums.beta)},
                  Erf{});
}

}  // namespace

void register_derf() {
  derf_kernels.forward.set(DeviceType::cuda, forward);
  derf_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
