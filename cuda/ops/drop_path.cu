// SPDX-License-Identifier: MIT
#include "core/ops/drop_path.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/places.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

/// Every thread draws for its sample itself: ten rounds of multiplications for the numbers it then moves are
/// cheaper than a first kernel. A dropped sample is not read.
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

void forward(Tensor& y, const Tensor& x, double p, const RandomKey& key) {
  if (x.numel() == 0) return;
  dispatch_activation("drop_path", x.dtype(), [&]<class T>() {
    const std::int64_t samples = x.dim(0), size = x.numel() / samples;
    launch("drop_path_kernel", drop_path_kernel<T>, cover_places(samples, size), samples, size, y.data<T>(),
           x.data<T>(), static_cast<float>(p), static_cast<float>(1 / (1 - p)), key, step_offset());
  });
}

}  // namespace

void register_drop_path() { drop_path_kernels.forward.set(DeviceType::cuda, forward); }

}  // namespace salu::cuda
