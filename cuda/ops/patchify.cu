// SPDX-License-Identifier: MIT
#include "core/ops/patchify.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/places.cuh"

namespace salu::cuda {
namespace {

/// Where the numbers of a token lie in the images (N,H,W,C): runs of p C numbers, one per row of the patch.
struct Patches {
  std::int64_t columns, run;  ///< patches side by side in an image; p C
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

void forward(Tensor& y, const Tensor& x, std::int64_t patch) {
  dispatch_activation("patchify", x.dtype(), [&]<class T>() {
    const Patches patches(x.shape(), patch);
    each_place(y.dim(0) * y.dim(1), patches.size(),
               ToTokens<T>{y.data<T>(), x.data<T>(), patches, patches.size()});
  });
}

void backward(Tensor& dx, const Tensor& dy, std::int64_t patch) {
  dispatch_activation("patchify", dy.dtype(), [&]<class T>() {
    const Patches patches(dx.shape(), patch);
    each_place(dy.dim(0) * dy.dim(1), patches.size(),
               ToImages<T>{dx.data<T>(), dy.data<T>(), patches, patches.size()});
  });
}

}  // namespace

void register_patchify() {
  patchify_kernels.forward.set(DeviceType::cuda, forward);
  patchify_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
