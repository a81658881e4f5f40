// SPDX-License-Identifier: MIT
#include "core/ops/embed_tokens.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void forward(Tensor& y, const Tensor& x, const Tensor& cls, const Tensor& position) {
  dispatch_float("embed_tokens", x.dtype(), [&]<class T>() {
    const std::int64_t batch = x.dim(0), d = x.dim(2), in_size = x.dim(1) * d, out_size = in_size + d;
    const T *in = x.data<T>(), *first = cls.data<T>(), *shift = position.data<T>();
    T* out = y.data<T>();
    parallel_for(batch, row_grain(batch, out_size), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        T* row = out + b * out_size;
        for (std::int64_t k = 0; k < d; ++k) row[k] = first[k] + shift[k];
        for (std::int64_t k = 0; k < in_size; ++k) row[d + k] = in[b * in_size + k] + shift[d + k];
      }
    });
  });
}

void backward_input(Tensor& dx, const Tensor& dy) {
  dispatch_float("embed_tokens", dy.dtype(), [&]<class T>() {
    const std::int64_t batch = dx.dim(0), d = dx.dim(2), size = dx.dim(1) * d;
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(batch, row_grain(batch, size), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const T* row = in + b * (size + d) + d;
        std::copy(row, row + size, out + b * size);
      }
    });
  });
}

/// sums += the first numbers of each sample of dy: D of them for the class token, all for the positions.
void add_over_batch(Tensor& sums, const Tensor& dy) {
  dispatch_float("embed_tokens", dy.dtype(), [&]<class T>() {
    const std::int64_t batch = dy.dim(0), sample = dy.dim(1) * dy.dim(2), width = sums.numel();
    const T* in = dy.data<T>();
    std::vector<double> total(static_cast<std::size_t>(width));
    parallel_for(width, row_grain(width, batch), [&](std::int64_t begin, std::int64_t end) {
      sum_rows<T>(0, batch, end - begin, total.data() + begin, [=](std::int64_t b, T* block) {
        for (std::int64_t k = begin; k < end; ++k) block[k - begin] += in[b * sample + k];
      });
    });
    add_sums<T>(&sums, total.data());
  });
}

}  // namespace

constinit EmbedTokensKernels embed_tokens_kernels{{"embed_tokens_forward", forward},
                                                  {"embed_tokens_backward_input", backward_input},
                                                  {"embed_tokens_backward_cls", add_over_batch},
                                                  {"embed_tokens_backward_position", add_over_batch}};

}  // namespace salu
