// SPDX-License-Identifier: MIT
#include "core/ops/bce_with_logits.h"
#include "core/ops/scalar_math.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class T>
struct Value {
  const T* logits;
  const float* targets;
  __device__ float operator()(std::int64_t i) const {
    return bce_value(static_cast<float>(logits[i]), targets[i]);
  }
};

struct StoreMean {
  float* loss;
  std::int64_t n;
  __device__ void operator()(double sum) const { *loss = static_cast<float>(sum / static_cast<double>(n)); }
};

template <class T>
struct Slope {
  const T* logits;
  const float *targets, *dloss;
  float share;
  __device__ float operator()(std::int64_t i) const {
    return *dloss * share * bce_slope(static_cast<float>(logits[i]), targets[i]);
  }
};

void forward(Tensor& loss, const Tensor& logits, const Tensor& targets) {
  dispatch_activation("bce_with_logits", logits.dtype(), [&]<class T>() {
    total(logits.numel(), Value<T>{logits.data<T>(), targets.data<float>()},
          StoreMean{loss.data<float>(), logits.numel()});
  });
}

void backward(Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets) {
  dispatch_activation("bce_with_logits", logits.dtype(), [&]<class T>() {
    map_index<T>(dlogits, Slope<T>{logits.data<T>(), targets.data<float>(), dloss.data<float>(),
                                   1.0f / static_cast<float>(logits.numel())});
  });
}

}  // namespace

void register_bce_with_logits() {
  bce_with_logits_kernels.forward.set(DeviceType::cuda, forward);
  bce_with_logits_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
