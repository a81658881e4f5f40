// SPDX-License-Identifier: MIT
#include <functional>

#include "core/ops/arithmetic.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

void add_forward(Tensor& y, const Tensor& a, const Tensor& b) { map_elements("add", y, std::plus<>{}, a, b); }

void mul_forward(Tensor& y, const Tensor& a, const Tensor& b) {
  map_elements("mul", y, std::multiplies<>{}, a, b);
}

void scale_forward(Tensor& y, const Tensor& x, double factor) {
  map_elements("scale", y, Times<float>{static_cast<float>(factor)}, x);
}

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

void bias_forward(Tensor& y, const Tensor& x, const Tensor& b) {
  dispatch_activation("bias", x.dtype(), [&]<class T>() {
    map_index<T>(y, AddBias<T>{x.data<T>(), b.data<float>(), x.dim(-1)});
  });
}

void bias_backward(Tensor& db, const Tensor& dy) {
  dispatch_activation("bias", dy.dtype(), [&]<class T>() {
    column_sums<1>(rows_of(dy), dy.dim(-1), AddGradient<T>{dy.data<T>(), dy.dim(-1)},
                   AddColumns{{db.data<float>()}});
  });
}

// A sum is a mean with count 1.

template <class T>
struct StoreMean {
  T* y;
  std::int64_t count;
  __device__ void operator()(double sum) const {
    *y = T(static_cast<float>(sum / static_cast<double>(count)));
  }
};
template <class T>
struct Share {
  const T* dy;
  float factor;
  __device__ float operator()(std::int64_t) const { return factor * static_cast<float>(*dy); }
};

void store_mean(const char* op, Tensor& y, const Tensor& x, std::int64_t count) {
  dispatch_activation(op, x.dtype(), [&]<class T>() {
    total(x.numel(), Elements<T>{x.data<T>()}, StoreMean<T>{y.data<T>(), count});
  });
}
void share_gradient(const char* op, Tensor& dx, const Tensor& dy, std::int64_t count) {
  dispatch_activation(op, dy.dtype(), [&]<class T>() {
    map_index<T>(dx, Share<T>{dy.data<T>(), 1.0f / static_cast<float>(count)});
  });
}

void sum_forward(Tensor& y, const Tensor& x) { store_mean("sum", y, x, 1); }
void sum_backward(Tensor& dx, const Tensor& dy) { share_gradient("sum", dx, dy, 1); }
void mean_forward(Tensor& y, const Tensor& x) { store_mean("mean", y, x, x.numel()); }
void mean_backward(Tensor& dx, const Tensor& dy) { share_gradient("mean", dx, dy, dx.numel()); }

}  // namespace

void register_arithmetic() {
  add_kernels.forward.set(DeviceType::cuda, add_forward);
  mul_kernels.forward.set(DeviceType::cuda, mul_forward);
  scale_kernels.forward.set(DeviceType::cuda, scale_forward);
  bias_kernels.forward.set(DeviceType::cuda, bias_forward);
  bias_kernels.backward.set(DeviceType::cuda, bias_backward);
  sum_kernels.forward.set(DeviceType::cuda, sum_forward);
  sum_kernels.backward.set(DeviceType::cuda, sum_backward);
  mean_kernels.forward.set(DeviceType::cuda, mean_forward);
  mean_kernels.backward.set(DeviceType::cuda, mean_backward);
}

}  // namespace salu::cuda
