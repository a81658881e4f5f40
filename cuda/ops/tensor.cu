// SPDX-License-Identifier: MIT
/// Fill and conversion of device tensors, for Tensor::fill and Tensor::copy_from (core/tensor.h).
#include "core/tensor.h"
#include "cuda/kernels/elementwise.cuh"

namespace salu::cuda {
namespace {

template <class T>
__global__ void fill_kernel(std::int64_t n, T* t, T value) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) t[i] = value;
}

template <class To, class From>
__global__ void convert_kernel(std::int64_t n, To* to, const From* from) {
  for (std::int64_t i = global_thread(); i < n; i += global_threads()) {
    if constexpr (std::is_same_v<To, bf16> || std::is_same_v<From, bf16>) {
      to[i] = static_cast<To>(static_cast<float>(from[i]));
    } else {
      to[i] = static_cast<To>(from[i]);
    }
  }
}

template <class T>
T value_as(double value) {
  if constexpr (std::is_same_v<T, bf16>) {
    return bf16(static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

void fill(Tensor& t, double value) {
  dispatch_any(t.dtype(), [&]<class T>() {
    launch("fill_kernel", fill_kernel<T>, cover_at_most(grid_blocks(8), t.numel()), t.numel(), t.data<T>(),
           value_as<T>(value));
  });
}

void convert(Tensor& to, const Tensor& from) {
  dispatch_any(to.dtype(), [&]<class To>() {
    dispatch_any(from.dtype(), [&]<class From>() {
      launch("convert_kernel", convert_kernel<To, From>, cover_at_most(grid_blocks(8), to.numel()),
             to.numel(), to.data<To>(), from.data<From>());
    });
  });
}

}  // namespace

void register_tensor() {
  tensor_kernels.fill.set(DeviceType::cuda, fill);
  tensor_kernels.convert.set(DeviceType::cuda, convert);
}

}  // namespace salu::cuda
