// SPDX-License-Identifier: MIT
#include "core/ops/dyt.h"
#include "core/ops/scalar_math.h"
#include "core/ops/squash.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& gamma, const Tensor& beta) {
  dispatch_float("dyt", x.dtype(), [&]<class T>() {
    squash_forward<T>(y, x, *alpha.data<T>(), T(0), gamma, beta, [](T u) { return tanh_with_slope(u); });
  });
}

void backward(Tensor& dx, DytSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& gamma) {
  dispatch_float("dyt", x.dtype(), [&]<class T>() {
    squash_backward<T>(
        dx, dy, x, *alpha.data<T>(), T(0), gamma, [](T u) { return tanh_with_slope(u); },
        [&](const SquashSums& s) {
          add_sums<T>(sums.alpha, &s.alpha);
          add_sums<T>(sums.gamma, s.gamma);
          add_sums<T>(sums.beta, s.beta);
        });
  });
}

}  // namespace

constinit DytKernels dyt_kernels{{"dyt_forward", forward}, {"dyt_backward", backward}};

}  // namespace salu
