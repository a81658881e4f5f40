// SPDX-License-Identifier: MIT
#include "core/ops/embed_tokens.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/places.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

template <class T>
struct Embed {
  T* y;
  const T* x;
  const float *cls, *position;
  std::int64_t d, size;  ///< numbers of one token, and of one sample of y
  __device__ void operator()(std::int64_t b, std::int64_t i) const {
    const float token = i < d ? cls[i] : static_cast<float>(x[b * (size - d) + i - d]);
    y[b * size + i] = T(token + position[i]);
  }
};

/// dx is dy without the first token of each sample.
template <class T>
struct DropFirst {
  T* dx;
  const T* dy;
  std::int64_t d, size;  ///< as above, size of a sample of dx
  __device__ void operator()(std::int64_t b, std::int64_t i) const {
    dx[b * size + i] = dy[b * (size + d) + d + i];
  }
};

template <class T>
struct AddSample {
  const T* dy;
  std::int64_t size;
  __device__ void operator()(std::int64_t b, std::int64_t i, float (&sums)[1]) const {
    sums[0] += static_cast<float>(dy[b * size + i]);
  }
};

void forward(Tensor& y, const Tensor& x, const Tensor& cls, const Tensor& position) {
  dispatch_activation("embed_tokens", x.dtype(), [&]<class T>() {
    const std::int64_t d = y.dim(2), size = y.dim(1) * d;
    each_place(y.dim(0), size,
               Embed<T>{y.data<T>(), x.data<T>(), cls.data<float>(), position.data<float>(), d, size});
  });
}

void backward_input(Tensor& dx, const Tensor& dy) {
  dispatch_activation("embed_tokens", dy.dtype(), [&]<class T>() {
    const std::int64_t d = dx.dim(2), size = dx.dim(1) * d;
    each_place(dx.dim(0), size, DropFirst<T>{dx.data<T>(), dy.data<T>(), d, size});
  });
}

/// sums += the first numbers of each sample of dy: D of them for the class token, all for the positions.
void add_over_batch(Tensor& sums, const Tensor& dy) {
  dispatch_activation("embed_tokens", dy.dtype(), [&]<class T>() {
    column_sums<1>(dy.dim(0), sums.numel(), AddSample<T>{dy.data<T>(), dy.dim(1) * dy.dim(2)},
                   AddColumns{{sums.data<float>()}});
  });
}

}  // namespace

void register_embed_tokens() {
  embed_tokens_kernels.forward.set(DeviceType::cuda, forward);
  embed_tokens_kernels.backward_input.set(DeviceType::cuda, backward_input);
  embed_tokens_kernels.backward_cls.set(DeviceType::cuda, add_over_batch);
  embed_tokens_kernels.backward_position.set(DeviceType::cuda, add_over_batch);
}

}  // namespace salu::cuda
