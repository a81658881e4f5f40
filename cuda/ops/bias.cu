// SPDX-License-Identifier: MIT
#include "core/ops/bias.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class T>
struct AddBias {
  const T* x;
  const float* b;
  std::int64_t channels;
  __device__ float operator()(std::int64_t i) const { return static_cast<float>(x[i]) + b[i % channels]; }
};

template <class T>
struct AddGradient {
  const T* dy;
  std::int64_t channels;
  __device__ void operator()(std::int64_t row, std::int64_t column, float (&sums)[1]) const {
    sums[0] += static_cast<float>(dy[row * channels + column]);
  }
};

void forward(Tensor& y, const Tensor& x, const Tensor& b) {
  dispatch_activation("bias", x.dtype(), [&]<class T>() {
    map_index<T>(y, AddBias<T>{x.data<T>(), b.data<float>(), x.dim(-1)});
  });
}

void backward(Tensor& db, const Tensor& dy) {
  dispatch_activation("bias", dy.dtype(), [&]<class T>() {
    column_sums<1>(rows_of(dy), dy.dim(-1), AddGradient<T>{dy.data<T>(), dy.dim(-1)},
                   AddColumns{{db.data<float>()}});
  });
}

}  // namespace

void register_bias() {
  bias_kernels.forward.set(DeviceType::cuda, forward);
  bias_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
