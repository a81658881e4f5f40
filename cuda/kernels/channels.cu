// SPDX-License-Identifier: MIT
#include "cuda/kernels/channels.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

template <class T>
using Pixel = Pack<T, static_cast<int>(kPaddedChannels)>;

/// One thread per pixel, so that the zeros need no stores of their own.
template <class T>
__global__ void pad_channels_kernel(std::int64_t pixels, int channels, Pixel<T>* to, const T* from) {
  for (std::int64_t i = global_thread(); i < pixels; i += global_threads()) {
    Pixel<T> pixel;
    for (int c = 0; c < kPaddedChannels; ++c) pixel.at[c] = T(0.0f);
    for (int c = 0; c < channels; ++c) pixel.at[c] = from[i * channels + c];
    to[i] = pixel;
  }
}

template <class T>
__global__ void accumulate_channels_kernel(std::int64_t pixels, int channels, float* sum, const T* part) {
  for (std::int64_t i = global_thread(); i < pixels; i += global_threads()) {
    for (int c = 0; c < channels; ++c) {
      sum[i * channels + c] += static_cast<float>(part[i * kPaddedChannels + c]);
    }
  }
}

LaunchShape pixel_shape(std::int64_t pixels) { return cover_at_most(grid_blocks(8), pixels); }

int last_dimension(const Tensor& t) { return static_cast<int>(t.dim(-1)); }

}  // namespace

Tensor pad_channels(const Tensor& from) {
  Tensor to = Tensor::empty(padded_channels(from.shape()), from.dtype(), from.device());
  dispatch_activation("pad_channels", from.dtype(), [&]<class T>() {
    const std::int64_t pixels = rows_of(from);
    launch("pad_channels_kernel", pad_channels_kernel<T>, pixel_shape(pixels), pixels, last_dimension(from),
           reinterpret_cast<Pixel<T>*>(to.data<T>()), from.data<T>());
  });
  return to;
}

void accumulate_channels(Tensor& sum, const Tensor& part) {
  check_shape("accumulate_channels", "part", part, padded_channels(sum.shape()));
  dispatch_activation("accumulate_channels", part.dtype(), [&]<class T>() {
    const std::int64_t pixels = rows_of(sum);
    launch("accumulate_channels_kernel", accumulate_channels_kernel<T>, pixel_shape(pixels), pixels,
           last_dimension(sum), sum.data<float>(), part.data<T>());
  });
}

}  // namespace salu::cuda
