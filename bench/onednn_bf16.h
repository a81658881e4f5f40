// SPDX-License-Identifier: MIT
/// The peer of the tile kernels: oneDNN's own convolution in bf16, channels last, f32 weight gradient.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "core/ops/conv2d.h"

namespace salu::bench {

enum class Pass { forward, backward_data, backward_weight };

/// One compiled convolution. Weights are in oneDNN's own format: its users keep them so.
class OneDnnBf16 {
 public:
  OneDnnBf16(Pass pass, const Tensor& x, const Tensor& w, const Tensor& y, Conv2dOptions o) {
    using Type = dnnl::memory::data_type;
    using Tag = dnnl::memory::format_tag;
    const dnnl::memory::dims xs{x.dim(0), x.dim(3), x.dim(1), x.dim(2)},
        ws{w.dim(0), w.dim(3), w.dim(1), w.dim(2)}, ys{y.dim(0), y.dim(3), y.dim(1), y.dim(2)},
        strides{o.stride, o.stride}, low{o.padding, o.padding},
        high{(y.dim(1) - 1) * o.stride + w.dim(1) - x.dim(1) - o.padding,
             (y.dim(2) - 1) * o.stride + w.dim(2) - x.dim(2) - o.padding};
    const dnnl::memory::desc xd(xs, Type::bf16, Tag::nhwc), yd(ys, Type::bf16, Tag::nhwc);
    const dnnl::memory::desc wd(ws, Type::bf16, Tag::any), dwd(ws, Type::f32, Tag::any);
    const auto direct = dnnl::algorithm::convolution_direct;
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, direct, xd, wd, yd, strides, low, high}, engine_);
    if (pass == Pass::forward) {
      primitive_ = dnnl::convolution_forward(forward);
      arguments_ = {{DNNL_ARG_SRC, wrap(xd, x)},
                    {DNNL_ARG_WEIGHTS, {forward.weights_desc(), engine_}},
                    {DNNL_ARG_DST, wrap(yd, y)}};
    } else if (pass == Pass::backward_data) {
      const dnnl::convolution_backward_data::primitive_desc pd({direct, xd, wd, yd, strides, low, high},
                                                               engine_, forward);
      primitive_ = dnnl::convolution_backward_data(pd);
      arguments_ = {{DNNL_ARG_DIFF_SRC, wrap(xd, x)},
                    {DNNL_ARG_WEIGHTS, {pd.weights_desc(), engine_}},
                    {DNNL_ARG_DIFF_DST, wrap(yd, y)}};
    } else {
      const dnnl::convolution_backward_weights::primitive_desc pd({direct, xd, dwd, yd, strides, low, high},
                                                                  engine_, forward);
      primitive_ = dnnl::convolution_backward_weights(pd);
      arguments_ = {{DNNL_ARG_SRC, wrap(xd, x)},
                    {DNNL_ARG_DIFF_WEIGHTS, {pd.diff_weights_desc(), engine_}},
                    {DNNL_ARG_DIFF_DST, wrap(yd, y)}};
    }
    fill_weights(pass == Pass::backward_weight ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS);
  }

  void operator()() { primitive_.execute(stream_, arguments_), stream_.wait(); }

 private:
  dnnl::memory wrap(const dnnl::memory::desc& desc, const Tensor& t) const {
    return {desc, engine_, const_cast<void*>(t.raw())};
  }
  /// With 0.1: products of zeros draw less power and run faster.
  void fill_weights(int argument) {
    const dnnl::memory& m = arguments_.at(argument);
    auto* numbers = static_cast<std::uint16_t*>(m.get_data_handle());
    std::fill_n(numbers, m.get_desc().get_size() / 2, bf16(0.1f).bits);
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace salu::bench
