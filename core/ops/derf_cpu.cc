// SPDX-License-Identifier: MIT
#include "core/ops/derf.h"
#include "core/ops/scalar_math.h"
#include "core/ops/squash.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& alpha, const Tensor& shift, const Tensor& gamma,
             const Tensor& beta) {
  dispatch_float("derf", x.dtype(), [&]<class T>() {
    squash_forward<T>(y, x, *alpha.data<T>(), *shift.data<T>(), gamma, beta,
                      [](T u) { return erf_with_slope(u); });
  });
}

void backward(Tensor& dx, DerfSums sums, const Tensor& dy, const Tensor& x, const Tensor& alpha,
              const Tensor& shift, const Tensor& gamma) {
  dispatch_float("derf", x.dtype(), [&]<class T>() {
    squash_backward<T>(
        dx, dy, x, *alpha.data<T>(), *shift.data<T>(), gamma, [](T u) { return erf_with_slope(u); },
        [&](const SquashSums& s) {
          add_sums<T>(sums.alpha, &s.alpha);
          add_sums<T>(sums.shift, &s.shift);
          add_sums<T>(sums.gamma, s.gamma);
          add_sums<T>(sums.beta, s.beta);
        });
  });
}

}  // namespace

constinit DerfKernels derf_kernels{{"derf_forward", forward}, {"derf_backward", backward}};

}  // namespace salu
