// SPDX-License-Identifier: MIT
#include "core/ops/cross_entropy.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/softmax_row.cuh"

namespace salu::cuda {
namespace {

/// Softmax and loss in one pass: every block leaves the sum over its rows, the last adds them in double.
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
      // A class of weight 0 adds nothing, even where its logit is -inf.
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

void forward(Tensor& loss, Tensor& probabilities, const Tensor& logits, const Tensor& targets) {
  dispatch_activation("cross_entropy", logits.dtype(), [&]<class T>() {
    const std::int64_t batch = logits.dim(0), classes = logits.dim(1);
    const LaunchShape shape = cover_rows(batch, classes);
    Tensor parts = scratch(shape.blocks_x, DType::f32);
    launch("cross_entropy_forward_kernel", cross_entropy_forward_kernel<T>, shape, batch, classes,
           loss.data<float>(), probabilities.data<float>(), logits.data<T>(), targets.data<float>(),
           parts.data<float>(), ticket());
  });
}

void backward(Tensor& dlogits, const Tensor& dloss, const Tensor& probabilities, const Tensor& targets) {
  dispatch_activation("cross_entropy", dlogits.dtype(), [&]<class T>() {
    const std::int64_t batch = targets.dim(0), classes = targets.dim(1);
    launch("cross_entropy_backward_kernel", cross_entropy_backward_kernel<T>, cover_rows(batch, classes),
           batch, classes, dlogits.data<T>(), dloss.data<float>(), probabilities.data<float>(),
           targets.data<float>());
  });
}

}  // namespace

void register_cross_entropy() {
  cross_entropy_kernels.forward.set(DeviceType::cuda, forward);
  cross_entropy_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
