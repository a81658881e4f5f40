// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "core/ops/losses.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/reduce.cuh"

namespace salu::cuda {
namespace {

// Softmax and cross_entropy use one block per row.

/// Launch over rows of n numbers: a thread per number, in one to eight whole warps.
inline LaunchShape cover_rows(std::int64_t rows, std::int64_t n) {
  const std::int64_t warps = std::clamp<std::int64_t>((n + kWarp - 1) / kWarp, 1, 8);
  return {.blocks_x = n == 0 ? 0 : std::min(rows, grid_blocks(32)),
          .threads_x = static_cast<int>(warps) * kWarp};
}

/// Maximum over the block, the same in every thread; all must take part.
__device__ inline float block_max(float value) {
  auto& partial = shared<float[kWarp], struct BlockMax>();
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = warp_max(value);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  value = warp_max(lane < warps ? partial[lane] : -INFINITY);
  __syncthreads();
  return value;
}

/// exp(x_i - largest) / sum is softmax; largest + ln(sum) is ln sum exp x.
struct RowSum {
  float largest, sum;
};

/// Reads the row twice, so that nothing overflows; the second time it is in the cache.
template <class T>
__device__ RowSum row_sum(const T* x, std::int64_t n) {
  float largest = -INFINITY, sum = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x)
    largest = larger(largest, static_cast<float>(x[i]));
  largest = block_max(largest);
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x)
    sum += std::exp(static_cast<float>(x[i]) - largest);
  return {largest, block_sum(sum)};
}

template <class T>
__global__ void softmax_forward_kernel(std::int64_t rows, std::int64_t n, T* y, const T* x) {
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* in = x + row * n;
    const RowSum s = row_sum(in, n);
    const float factor = 1 / s.sum;
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      y[row * n + i] = T(std::exp(static_cast<float>(in[i]) - s.largest) * factor);
    }
  }
}

template <class T>
__global__ void softmax_backward_kernel(std::int64_t rows, std::int64_t n, T* dx, const T* dy, const T* y) {
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T *g = dy + row * n, *p = y + row * n;
    float dot = 0;
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      dot += static_cast<float>(g[i]) * static_cast<float>(p[i]);
    }
    dot = block_sum(dot);
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      dx[row * n + i] = T(static_cast<float>(p[i]) * (static_cast<float>(g[i]) - dot));
    }
  }
}

void softmax_forward(Tensor& y, const Tensor& x) {
  dispatch_activation("softmax", x.dtype(), [&]<class T>() {
    launch("softmax_forward_kernel", softmax_forward_kernel<T>, cover_rows(rows_of(x), x.dim(-1)), rows_of(x),
           x.dim(-1), y.data<T>(), x.data<T>());
  });
}

void softmax_backward(Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_activation("softmax", y.dtype(), [&]<class T>() {
    launch("softmax_backward_kernel", softmax_backward_kernel<T>, cover_rows(rows_of(y), y.dim(-1)),
           rows_of(y), y.dim(-1), dx.data<T>(), dy.data<T>(), y.data<T>());
  });
}

/// Softmax and loss in one pass: every block writes the sum over its rows, the last adds them in double.
template <class T>
__global__ void cross_entropy_forward_kernel(std::int64_t batch, std::int64_t classes, float* loss,
                                             float* probabilities, const T* logits, const float* targets,
                                             float* parts, unsigned* ticket) {
  float sum = 0;
  for (std::int64_t row = blockIdx.x; row < batch; row += gridDim.x) {
    const T* x = logits + row * classes;
    const RowSum s = row_sum(x, classes);
    const float factor = 1 / s.sum, log_sum = std::log(s.sum);
    for (std::int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
      const float shifted = static_cast<float>(x[c]) - s.largest, t = targets[row * classes + c];
      probabilities[row * classes + c] = std::exp(shifted) * factor;
      // A class of weight 0 contributes 0, even where its logit is -inf.
      if (t != 0) sum += t * (log_sum - shifted);
    }
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
  if (!last_block(ticket)) return;
  double all = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) all += static_cast<double>(parts[b]);
  all = block_sum(all);
  if (threadIdx.x == 0) *loss = static_cast<float>(all / static_cast<double>(batch));
}

template <class T>
__global__ void cross_entropy_backward_kernel(std::int64_t batch, std::int64_t classes, T* dlogits,
                                              const float* dloss, const float* probabilities,
                                              const float* targets) {
  const float factor = *dloss / static_cast<float>(batch);
  for (std::int64_t row = blockIdx.x; row < batch; row += gridDim.x) {
    const float *p = probabilities + row * classes, *t = targets + row * classes;
    float weight = 0;
    for (std::int64_t c = threadIdx.x; c < classes; c += blockDim.x) weight += t[c];
    weight = block_sum(weight);
    for (std::int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
      dlogits[row * classes + c] = T(factor * (p[c] * weight - t[c]));
    }
  }
}

void cross_entropy_forward(Tensor& loss, Tensor& probabilities, const Tensor& logits, const Tensor& targets) {
  dispatch_activation("cross_entropy", logits.dtype(), [&]<class T>() {
    const std::int64_t batch = logits.dim(0), classes = logits.dim(1);
    const LaunchShape shape = cover_rows(batch, classes);
    Tensor parts = scratch(shape.blocks_x, DType::f32);
    launch("cross_entropy_forward_kernel", cross_entropy_forward_kernel<T>, shape, batch, classes,
           loss.data<float>(), probabilities.data<float>(), logits.data<T>(), targets.data<float>(),
           parts.data<float>(), ticket());
  });
}

void cross_entropy_backward(Tensor& dlogits, const Tensor& dloss, const Tensor& probabilities,
                            const Tensor& targets) {
  dispatch_activation("cross_entropy", dlogits.dtype(), [&]<class T>() {
    const std::int64_t batch = targets.dim(0), classes = targets.dim(1);
    launch("cross_entropy_backward_kernel", cross_entropy_backward_kernel<T>, cover_rows(batch, classes),
           batch, classes, dlogits.data<T>(), dloss.data<float>(), probabilities.data<float>(),
           targets.data<float>());
  });
}

template <class T>
struct BceValue {
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
struct BceSlope {
  const T* logits;
  const float *targets, *dloss;
  float share;
  __device__ float operator()(std::int64_t i) const {
    return *dloss * share * bce_slope(static_cast<float>(logits[i]), targets[i]);
  }
};

void bce_with_logits_forward(Tensor& loss, const Tensor& logits, const Tensor& targets) {
  dispatch_activation("bce_with_logits", logits.dtype(), [&]<class T>() {
    total(logits.numel(), BceValue<T>{logits.data<T>(), targets.data<float>()},
          StoreMean{loss.data<float>(), logits.numel()});
  });
}

void bce_with_logits_backward(Tensor& dlogits, const Tensor& dloss, const Tensor& logits,
                              const Tensor& targets) {
  dispatch_activation("bce_with_logits", logits.dtype(), [&]<class T>() {
    map_index<T>(dlogits, BceSlope<T>{logits.data<T>(), targets.data<float>(), dloss.data<float>(),
                                      1.0f / static_cast<float>(logits.numel())});
  });
}

}  // namespace

void register_losses() {
  softmax_kernels.forward.set(DeviceType::cuda, softmax_forward);
  softmax_kernels.backward.set(DeviceType::cuda, softmax_backward);
  cross_entropy_kernels.forward.set(DeviceType::cuda, cross_entropy_forward);
  cross_entropy_kernels.backward.set(DeviceType::cuda, cross_entropy_backward);
  bce_with_logits_kernels.forward.set(DeviceType::cuda, bce_with_logits_forward);
  bce_with_logits_kernels.backward.set(DeviceType::cuda, bce_with_logits_backward);
}

}  // namespace salu::cuda
