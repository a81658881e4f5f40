// SPDX-License-Identifier: MIT
#include "core/ops/tokens.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/places.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

/// Position of a token's numbers in the images (N,H,W,C): runs of p C numbers, one per row of the patch.
struct Patches {
  std::int64_t columns, run;  ///< patches per row of an image; p C
  std::int64_t patch;

  Patches(const Shape& images, std::int64_t p) : columns(images[2] / p), run(p * images[3]), patch(p) {}

  std::int64_t size() const { return patch * run; }
  __device__ std::int64_t pixel(std::int64_t token, std::int64_t place) const {
    const std::int64_t band = token / columns, row = place / run;
    return ((band * patch + row) * columns + token % columns) * run + place % run;
  }
};

template <class T>
struct ToTokens {
  T* tokens;
  const T* images;
  Patches patches;
  std::int64_t size;
  __device__ void operator()(std::int64_t token, std::int64_t place) const {
    tokens[token * size + place] = images[patches.pixel(token, place)];
  }
};
template <class T>
struct ToImages {
  T* images;
  const T* tokens;
  Patches patches;
  std::int64_t size;
  __device__ void operator()(std::int64_t token, std::int64_t place) const {
    images[patches.pixel(token, place)] = tokens[token * size + place];
  }
};

void patchify_forward(Tensor& y, const Tensor& x, std::int64_t patch) {
  dispatch_activation("patchify", x.dtype(), [&]<class T>() {
    const Patches patches(x.shape(), patch);
    each_place(y.dim(0) * y.dim(1), patches.size(),
               ToTokens<T>{y.data<T>(), x.data<T>(), patches, patches.size()});
  });
}

void patchify_backward(Tensor& dx, const Tensor& dy, std::int64_t patch) {
  dispatch_activation("patchify", dy.dtype(), [&]<class T>() {
    const Patches patches(dx.shape(), patch);
    each_place(dy.dim(0) * dy.dim(1), patches.size(),
               ToImages<T>{dx.data<T>(), dy.data<T>(), patches, patches.size()});
  });
}

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
  std::int64_t d, size;  ///< d, and size of a sample of dx
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

void embed_tokens_forward(Tensor& y, const Tensor& x, const Tensor& cls, const Tensor& position) {
  dispatch_activation("embed_tokens", x.dtype(), [&]<class T>() {
    const std::int64_t d = y.dim(2), size = y.dim(1) * d;
    each_place(y.dim(0), size,
               Embed<T>{y.data<T>(), x.data<T>(), cls.data<float>(), position.data<float>(), d, size});
  });
}

void embed_tokens_backward_input(Tensor& dx, const Tensor& dy) {
  dispatch_activation("embed_tokens", dy.dtype(), [&]<class T>() {
    const std::int64_t d = dx.dim(2), size = dx.dim(1) * d;
    each_place(dx.dim(0), size, DropFirst<T>{dx.data<T>(), dy.data<T>(), d, size});
  });
}

/// sums += the leading numbers of each sample of dy: D for the class token, all for the positions.
void add_over_batch(Tensor& sums, const Tensor& dy) {
  dispatch_activation("embed_tokens", dy.dtype(), [&]<class T>() {
    column_sums<1>(dy.dim(0), sums.numel(), AddSample<T>{dy.data<T>(), dy.dim(1) * dy.dim(2)},
                   AddColumns{{sums.data<float>()}});
  });
}

/// Copies `width` numbers of each sample of `size`, from `first` on.
template <class T>
struct Take {
  T* y;
  const T* x;
  std::int64_t size, first, width;
  __device__ void operator()(std::int64_t b, std::int64_t k) const {
    y[b * width + k] = x[b * size + first + k];
  }
};
/// The reverse copy, padded with zeros.
template <class T>
struct Put {
  T* dx;
  const T* dy;
  std::int64_t size, first, width;
  __device__ void operator()(std::int64_t b, std::int64_t i) const {
    const std::int64_t k = i - first;
    dx[b * size + i] = k >= 0 && k < width ? dy[b * width + k] : T(0.0f);
  }
};

void select_token_forward(Tensor& y, const Tensor& x, std::int64_t index) {
  dispatch_activation("select_token", x.dtype(), [&]<class T>() {
    const std::int64_t d = x.dim(2);
    each_place(x.dim(0), d, Take<T>{y.data<T>(), x.data<T>(), x.dim(1) * d, index * d, d});
  });
}

void select_token_backward(Tensor& dx, const Tensor& dy, std::int64_t index) {
  dispatch_activation("select_token", dy.dtype(), [&]<class T>() {
    const std::int64_t d = dx.dim(2), size = dx.dim(1) * d;
    each_place(dx.dim(0), size, Put<T>{dx.data<T>(), dy.data<T>(), size, index * d, d});
  });
}

}  // namespace

void register_tokens() {
  patchify_kernels.forward.set(DeviceType::cuda, patchify_forward);
  patchify_kernels.backward.set(DeviceType::cuda, patchify_backward);
  embed_tokens_kernels.forward.set(DeviceType::cuda, embed_tokens_forward);
  embed_tokens_kernels.backward_input.set(DeviceType::cuda, embed_tokens_backward_input);
  embed_tokens_kernels.backward_cls.set(DeviceType::cuda, add_over_batch);
  embed_tokens_kernels.backward_position.set(DeviceType::cuda, add_over_batch);
  select_token_kernels.forward.set(DeviceType::cuda, select_token_forward);
  select_token_kernels.backward.set(DeviceType::cuda, select_token_backward);
}

}  // namespace salu::cuda
