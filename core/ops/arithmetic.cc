// SPDX-License-Identifier: MIT
#include "core/ops/arithmetic.h"

#include <functional>

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"

namespace salu {
namespace {

void add_forward_cpu(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_elements("add", y.dtype(), [&]<class T>() { map_elements<T>(y, std::plus<>{}, a, b); });
}

}  // namespace

constinit AddKernels add_kernels{{"add_forward", add_forward_cpu}};

Tensor add_forward(const Tensor& a, const Tensor& b) {
  check_like("add", a, b);
  return like(add_kernels.forward, a, a, b);
}

void add_in_place(Tensor& a, const Tensor& b) {
  check_like("add", a, b);
  add_kernels.forward(a.device(), a, a, b);
}

namespace {

void mul_forward_cpu(Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_elements("mul", y.dtype(), [&]<class T>() { map_elements<T>(y, std::multiplies<>{}, a, b); });
}

}  // namespace

constinit MulKernels mul_kernels{{"mul_forward", mul_forward_cpu}};

Tensor mul_forward(const Tensor& a, const Tensor& b) {
  check_like("mul", a, b);
  return like(mul_kernels.forward, a, a, b);
}

namespace {

void scale_forward_cpu(Tensor& y, const Tensor& x, double factor) {
  dispatch_elements("scale", x.dtype(),
                    [&]<class T>() { map_elements<T>(y, Times<Wide<T>>{static_cast<Wide<T>>(factor)}, x); });
}

}  // namespace

constinit ScaleKernels scale_kernels{{"scale_forward", scale_forward_cpu}};

Tensor scale_forward(const Tensor& x, double factor) { return like(scale_kernels.forward, x, x, factor); }

namespace {

void bias_forward_cpu(Tensor& y, const Tensor& x, const Tensor& b) {
  dispatch_elements("bias", x.dtype(), [&]<class T>() {
    using W = Wide<T>;
    const std::int64_t channels = x.dim(-1);
    const T* in = x.data<T>();
    const W* offset = b.data<W>();
    T* out = y.data<T>();
    parallel_for(rows_of(x), row_grain(rows_of(x), channels), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* from = in + row * channels;
        T* to = out + row * channels;
        for (std::int64_t c = 0; c < channels; ++c) to[c] = T(W(from[c]) + offset[c]);
      }
    });
  });
}

void bias_backward_cpu(Tensor& db, const Tensor& dy) {
  dispatch_elements("bias", dy.dtype(), [&]<class T>() {
    const std::int64_t channels = dy.dim(-1);
    const T* upstream = dy.data<T>();
    const auto sums = column_sums(rows_of(dy), channels, upstream);
    add_sums<Wide<T>>(&db, sums.data());
  });
}

}  // namespace

constinit BiasKernels bias_kernels{{"bias_forward", bias_forward_cpu}, {"bias_backward", bias_backward_cpu}};

Tensor bias_forward(const Tensor& x, const Tensor& b) {
  check_shape("bias", "b", b, {x.dim(-1)});
  return like(bias_kernels.forward, x, x, b);
}

void bias_backward(const Tensor& dy, Tensor& db) {
  check_shape("bias", "db", db, {dy.dim(-1)});
  bias_kernels.backward(dy.device(), db, dy);
}

namespace {

void sum_forward_cpu(Tensor& y, const Tensor& x) {
  dispatch_elements("sum", x.dtype(),
                    [&]<class T>() { *y.data<T>() = T(static_cast<Wide<T>>(total<T>(x))); });
}

void sum_backward_cpu(Tensor& dx, const Tensor& dy) {
  dispatch_elements("sum", dy.dtype(),
                    [&]<class T>() { map_elements<T>(dx, [g = Wide<T>(*dy.data<T>())]() { return g; }); });
}

}  // namespace

constinit SumKernels sum_kernels{{"sum_forward", sum_forward_cpu}, {"sum_backward", sum_backward_cpu}};

Tensor sum_forward(const Tensor& x) { return shaped(sum_kernels.forward, {1}, x, x); }

Tensor sum_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("sum", "dy", dy, {1});
  return shaped(sum_kernels.backward, x_shape, dy, dy);
}

namespace {

void mean_forward_cpu(Tensor& y, const Tensor& x) {
  dispatch_elements("mean", x.dtype(), [&]<class T>() {
    *y.data<T>() = T(static_cast<Wide<T>>(total<T>(x) / static_cast<double>(x.numel())));
  });
}

void mean_backward_cpu(Tensor& dx, const Tensor& dy) {
  dispatch_elements("mean", dy.dtype(), [&]<class T>() {
    map_elements<T>(dx, [g = Wide<T>(*dy.data<T>()) / static_cast<Wide<T>>(dx.numel())]() { return g; });
  });
}

}  // namespace

constinit MeanKernels mean_kernels{{"mean_forward", mean_forward_cpu}, {"mean_backward", mean_backward_cpu}};

Tensor mean_forward(const Tensor& x) {
  check(x.numel() > 0, "[mean] expected at least one element, got {}", x.shape().str());
  return shaped(mean_kernels.forward, {1}, x, x);
}

Tensor mean_backward(const Tensor& dy, const Shape& x_shape) {
  check_shape("mean", "dy", dy, {1});
  return shaped(mean_kernels.backward, x_shape, dy, dy);
}

}  // namespace salu
