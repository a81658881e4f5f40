// SPDX-License-Identifier: MIT
#include "core/ops/tokens.h"

#include "core/ops/reduce.h"

namespace salu {
namespace {

Shape tokens_of(const Shape& x, std::int64_t patch) {
  check(x.rank() == 4 && patch > 0 && x[1] % patch == 0 && x[2] % patch == 0,
        "[patchify] expected x (N,H,W,C) with H and W divisible by the patch size {}, got {}", patch,
        x.str());
  return {x[0], (x[1] / patch) * (x[2] / patch), patch * patch * x[3]};
}

/// Calls `copy(pixel, token, length)` with the offsets of every run of p C numbers that is contiguous in both
/// the images (N,H,W,C) and the tokens.
template <class Copy>
void each_run(const Shape& images, std::int64_t patch, Copy&& copy) {
  const std::int64_t columns = images[2] / patch, bands = images[0] * (images[1] / patch);
  const std::int64_t run = patch * images[3], band = patch * columns * run;  // a band: one row of patches
  parallel_for(bands, row_grain(bands, band), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t r = 0; r < patch; ++r) {
        for (std::int64_t j = 0; j < columns; ++j) {
          copy(i * band + (r * columns + j) * run, i * band + (j * patch + r) * run, run);
        }
      }
    }
  });
}

void patchify_forward_cpu(Tensor& y, const Tensor& x, std::int64_t patch) {
  dispatch_elements("patchify", x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.data<T>();
    each_run(x.shape(), patch, [=](std::int64_t pixel, std::int64_t token, std::int64_t length) {
      std::copy(in + pixel, in + pixel + length, out + token);
    });
  });
}

void patchify_backward_cpu(Tensor& dx, const Tensor& dy, std::int64_t patch) {
  dispatch_elements("patchify", dy.dtype(), [&]<class T>() {
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    each_run(dx.shape(), patch, [=](std::int64_t pixel, std::int64_t token, std::int64_t length) {
      std::copy(in + token, in + token + length, out + pixel);
    });
  });
}

}  // namespace

constinit PatchifyKernels patchify_kernels{{"patchify_forward", patchify_forward_cpu},
                                           {"patchify_backward", patchify_backward_cpu}};

Tensor patchify_forward(const Tensor& x, std::int64_t patch) {
  return shaped(patchify_kernels.forward, tokens_of(x.shape(), patch), x, x, patch);
}

Tensor patchify_backward(const Tensor& dy, const Shape& x_shape, std::int64_t patch) {
  check_shape("patchify", "dy", dy, tokens_of(x_shape, patch));
  return shaped(patchify_kernels.backward, x_shape, dy, dy, patch);
}

namespace {

void check_dy(const Tensor& dy) {
  check(dy.shape().rank() == 3 && dy.dim(1) >= 1, "[embed_tokens] expected dy (B,T+1,D), got {}",
        dy.shape().str());
}

void embed_tokens_forward_cpu(Tensor& y, const Tensor& x, const Tensor& cls, const Tensor& position) {
  dispatch_elements("embed_tokens", x.dtype(), [&]<class T>() {
    const std::int64_t batch = x.dim(0), d = x.dim(2), in_size = x.dim(1) * d, out_size = in_size + d;
    const T* in = x.data<T>();
    const Wide<T>*first = cls.data<Wide<T>>(), *shift = position.data<Wide<T>>();
    T* out = y.data<T>();
    parallel_for(batch, row_grain(batch, out_size), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        T* row = out + b * out_size;
        for (std::int64_t k = 0; k < d; ++k) row[k] = T(first[k] + shift[k]);
        for (std::int64_t k = 0; k < in_size; ++k) row[d + k] = T(in[b * in_size + k] + shift[d + k]);
      }
    });
  });
}

void embed_tokens_backward_input_cpu(Tensor& dx, const Tensor& dy) {
  dispatch_elements("embed_tokens", dy.dtype(), [&]<class T>() {
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

/// sums += the leading numbers of each sample of dy: D for the class token, all for the positions.
void add_over_batch(Tensor& sums, const Tensor& dy) {
  dispatch_elements("embed_tokens", dy.dtype(), [&]<class T>() {
    const std::int64_t batch = dy.dim(0), sample = dy.dim(1) * dy.dim(2), width = sums.numel();
    const T* in = dy.data<T>();
    std::vector<double> total(static_cast<std::size_t>(width));
    parallel_for(width, row_grain(width, batch), [&](std::int64_t begin, std::int64_t end) {
      sum_rows<Wide<T>>(0, batch, end - begin, total.data() + begin, [=](std::int64_t b, Wide<T>* block) {
        for (std::int64_t k = begin; k < end; ++k) block[k - begin] += in[b * sample + k];
      });
    });
    add_sums<T>(&sums, total.data());
  });
}

}  // namespace

constinit EmbedTokensKernels embed_tokens_kernels{
    {"embed_tokens_forward", embed_tokens_forward_cpu},
    {"embed_tokens_backward_input", embed_tokens_backward_input_cpu},
    {"embed_tokens_backward_cls", add_over_batch},
    {"embed_tokens_backward_position", add_over_batch}};

Tensor embed_tokens_forward(const Tensor& x, const Tensor& cls, const Tensor& position) {
  check(x.shape().rank() == 3, "[embed_tokens] expected x (B,T,D), got {}", x.shape().str());
  check_shape("embed_tokens", "cls", cls, {x.dim(2)});
  check_shape("embed_tokens", "position", position, {x.dim(1) + 1, x.dim(2)});
  check_parameter("embed_tokens", "cls", cls, x);
  check_parameter("embed_tokens", "position", position, x);
  return shaped(embed_tokens_kernels.forward, x.shape().with(1, x.dim(1) + 1), x, x, cls, position);
}

Tensor embed_tokens_backward_input(const Tensor& dy) {
  check_dy(dy);
  return shaped(embed_tokens_kernels.backward_input, dy.shape().with(1, dy.dim(1) - 1), dy, dy);
}

void embed_tokens_backward_cls(const Tensor& dy, Tensor& dcls) {
  check_dy(dy);
  check_shape("embed_tokens", "dcls", dcls, {dy.dim(2)});
  check_parameter("embed_tokens", "dcls", dcls, dy);
  embed_tokens_kernels.backward_cls(dy.device(), dcls, dy);
}

void embed_tokens_backward_position(const Tensor& dy, Tensor& dposition) {
  check_dy(dy);
  check_shape("embed_tokens", "dposition", dposition, {dy.dim(1), dy.dim(2)});
  check_parameter("embed_tokens", "dposition", dposition, dy);
  embed_tokens_kernels.backward_position(dy.device(), dposition, dy);
}

namespace {

void select_token_forward_cpu(Tensor& y, const Tensor& x, std::int64_t index) {
  dispatch_elements("select_token", x.dtype(), [&]<class T>() {
    const std::int64_t tokens = x.dim(1), d = x.dim(2);
    for (std::int64_t b = 0; b < x.dim(0); ++b) {
      const T* row = x.data<T>() + (b * tokens + index) * d;
      std::copy(row, row + d, y.data<T>() + b * d);
    }
  });
}

void select_token_backward_cpu(Tensor& dx, const Tensor& dy, std::int64_t index) {
  dispatch_elements("select_token", dy.dtype(), [&]<class T>() {
    const std::int64_t batch = dx.dim(0), tokens = dx.dim(1), d = dx.dim(2);
    const T* in = dy.data<T>();
    T* out = dx.data<T>();
    parallel_for(batch, row_grain(batch, tokens * d), [=](std::int64_t begin, std::int64_t end) {
      std::fill(out + begin * tokens * d, out + end * tokens * d, T(0));
      for (std::int64_t b = begin; b < end; ++b) {
        std::copy(in + b * d, in + (b + 1) * d, out + (b * tokens + index) * d);
      }
    });
  });
}

}  // namespace

constinit SelectTokenKernels select_token_kernels{{"select_token_forward", select_token_forward_cpu},
                                                  {"select_token_backward", select_token_backward_cpu}};

Tensor select_token_forward(const Tensor& x, std::int64_t index) {
  check(x.shape().rank() == 3 && index >= 0 && index < x.dim(1),
        "[select_token] expected x (B,T,D) with T > index {} >= 0, got {}", index, x.shape().str());
  return shaped(select_token_kernels.forward, {x.dim(0), x.dim(2)}, x, x, index);
}

Tensor select_token_backward(const Tensor& dy, const Shape& x_shape, std::int64_t index) {
  check_shape("select_token", "dy", dy, {x_shape[0], x_shape[2]});
  return shaped(select_token_kernels.backward, x_shape, dy, dy, index);
}

}  // namespace salu
