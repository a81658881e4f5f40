// SPDX-License-Identifier: MIT
#include "core/ops/drop.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/kernels/places.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

/// One Philox block (four numbers) per thread and iteration, so that four elements share its ten rounds.
/// Grid-stride loop.
template <bool packs, class T>
__global__ void dropout_kernel(std::int64_t n, T* y, const T* x, float threshold, float scale, RandomKey key,
                               const std::uint32_t* step_offset) {
  key.time += *step_offset;
  const auto value = [=](std::uint32_t bits, T v) {
    return to_uniform(bits) >= threshold ? T(scale * static_cast<float>(v)) : T(0.0f);
  };
  const std::int64_t step = 4 * global_threads();
  for (std::int64_t first = 4 * global_thread(); first < n; first += step) {
    const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(first / 4));
    if (packs && first + 4 <= n) {
      const auto in = *reinterpret_cast<const Pack<T, 4>*>(x + first);
      Pack<T, 4> out;
      for (int i = 0; i < 4; ++i) out.at[i] = value(bits[i], in.at[i]);
      *reinterpret_cast<Pack<T, 4>*>(y + first) = out;
    } else {
      for (int i = 0; i < 4 && first + i < n; ++i) y[first + i] = value(bits[i], x[first + i]);
    }
  }
}

void dropout_forward(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  dispatch_activation("dropout", x.dtype(), [&]<class T>() {
    const auto kernel =
        pack_aligned(y.data<T>(), x.data<T>()) ? dropout_kernel<true, T> : dropout_kernel<false, T>;
    launch("dropout_kernel", kernel, cover_at_most(grid_blocks(8), x.numel(), 256, 4), x.numel(), y.data<T>(),
           x.data<T>(), static_cast<float>(p), static_cast<float>(1 / (1 - p)), key, step_offset());
  });
}

/// Every thread draws its sample's random number itself: ten Philox rounds cost less than another kernel
/// launch. A dropped sample is not read.
template <class T>
__global__ void drop_path_kernel(std::int64_t samples, std::int64_t size, T* y, const T* x, float threshold,
                                 float scale, RandomKey key, const std::uint32_t* step_offset) {
  key.time += *step_offset;
  const std::int64_t sample_step = std::int64_t{gridDim.x} * blockDim.y,
                     place_step = std::int64_t{gridDim.y} * blockDim.x;
  for (std::int64_t b = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; b < samples; b += sample_step) {
    const PhiloxBlock bits = key.block(static_cast<std::uint32_t>(b / 4));
    const bool keep = to_uniform(bits[static_cast<std::size_t>(b % 4)]) >= threshold;
    const T* in = x + b * size;
    T* out = y + b * size;
    for (std::int64_t i = std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x; i < size; i += place_step) {
      out[i] = keep ? T(scale * static_cast<float>(in[i])) : T(0.0f);
    }
  }
}

void drop_path_forward(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  if (x.numel() == 0) return;
  dispatch_activation("drop_path", x.dtype(), [&]<class T>() {
    const std::int64_t samples = x.dim(0), size = x.numel() / samples;
    launch("drop_path_kernel", drop_path_kernel<T>, cover_places(samples, size), samples, size, y.data<T>(),
           x.data<T>(), static_cast<float>(p), static_cast<float>(1 / (1 - p)), key, step_offset());
  });
}

}  // namespace

void register_drop() {
  dropout_kernels.forward.set(DeviceType::cuda, dropout_forward);
  drop_path_kernels.forward.set(DeviceType::cuda, drop_path_forward);
}

}  // namespace salu::cuda
