// SPDX-License-Identifier: MIT
#include "core/ops/onednn.h"

#include <omp.h>

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/ops/arithmetic.h"
#include "core/ops/wide.h"

namespace salu {

SingleThread::SingleThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }

SingleThread::~SingleThread() { omp_set_num_threads(before_); }

}  // namespace salu

namespace salu::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

enum class Pass { forward, backward_data, backward_weight };

/// Everything a compiled convolution depends on.
struct Key {
  Pass pass;
  std::int64_t n, h, w, c, k, r, s, p, q, stride, padding;
  auto operator<=>(const Key&) const = default;
};

/// A compiled convolution for one slice of the batch.
struct Plan {
  dnnl::primitive primitive;
  memory::desc x, y, scratch;
  memory::desc weights;  ///< oneDNN's own format
  memory::desc plain;    ///< (K,R,S,C), as the flat buffer holds them
};

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream instance(engine());
  return instance;
}

Plan compile(const Key& key) {
  const memory::dims x{key.n, key.c, key.h, key.w}, y{key.n, key.k, key.p, key.q},
      w{key.k, key.c, key.r, key.s};
  const memory::dims strides{key.stride, key.stride}, low{key.padding, key.padding};
  // oneDNN requires p = (h + low + high - r)/stride + 1 exactly, so pixels skipped by the stride at the end
  // reduce the padding.
  const memory::dims high{(key.p - 1) * key.stride + key.r - key.h - key.padding,
                          (key.q - 1) * key.stride + key.s - key.w - key.padding};
  const auto f32 = memory::data_type::f32;
  const memory::desc xd(x, f32, Tag::nhwc), yd(y, f32, Tag::nhwc), any(w, f32, Tag::any);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto direct = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, xd, any, yd, strides, low, high}, attr, engine());
  const memory::desc plain(w, f32, Tag::ohwi);
  if (key.pass == Pass::forward) {
    return {
        dnnl::convolution_forward(forward), xd, yd, forward.scratchpad_desc(), forward.weights_desc(), plain};
  }
  if (key.pass == Pass::backward_data) {
    const dnnl::convolution_backward_data::primitive_desc pd({direct, xd, any, yd, strides, low, high}, attr,
                                                             engine(), forward);
    return {dnnl::convolution_backward_data(pd), xd, yd, pd.scratchpad_desc(), pd.weights_desc(), plain};
  }
  const dnnl::convolution_backward_weights::primitive_desc pd({direct, xd, any, yd, strides, low, high}, attr,
                                                              engine(), forward);
  return {
      dnnl::convolution_backward_weights(pd), xd, yd, pd.scratchpad_desc(), pd.diff_weights_desc(), plain};
}

/// Compiled once per shape and kept. oneDNN bakes in the thread count, hence the guard.
const Plan& plan_for(const Key& key) {
  static std::mutex mutex;
  static std::map<Key, std::unique_ptr<Plan>> plans;
  std::scoped_lock lock(mutex);
  auto& plan = plans[key];
  if (!plan) {
    const SingleThread guard;
    plan = std::make_unique<Plan>(compile(key));
  }
  return *plan;
}

memory wrap(const memory::desc& desc, const float* data) {
  return memory(desc, engine(), const_cast<float*>(data));
}

Tensor buffer(const memory::desc& desc) {
  return Tensor::empty({static_cast<std::int64_t>((desc.get_size() + 3) / 4)});
}

void reorder(const memory::desc& from_desc, const float* from, const memory::desc& to_desc, float* to) {
  const SingleThread guard;
  memory a = wrap(from_desc, from), b = wrap(to_desc, to);
  dnnl::reorder(a, b).execute(stream(), a, b);
}

void execute(const Plan& plan, Pass pass, const float* x, const float* w, const float* y) {
  const SingleThread guard;
  Tensor scratch = buffer(plan.scratch);
  const bool forward = pass == Pass::forward;
  plan.primitive.execute(
      stream(),
      {{pass == Pass::backward_data ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, wrap(plan.x, x)},
       {pass == Pass::backward_weight ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, wrap(plan.weights, w)},
       {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, wrap(plan.y, y)},
       {DNNL_ARG_SCRATCHPAD, wrap(plan.scratch, scratch.data<float>())}});
}

Key key_of(Pass pass, const Tensor& x, const Tensor& w, const Tensor& y, Conv2dOptions o) {
  return {pass,     x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.dim(0),
          w.dim(1), w.dim(2), y.dim(1), y.dim(2), o.stride, o.padding};
}

/// Images per slice: at least `rows` output positions, at most `slices` slices. Small images share a slice,
/// because a 512-channel filter has 9.4 MB and is read once per slice.
std::int64_t slice_size(const Key& key, std::int64_t rows, std::int64_t slices) {
  const std::int64_t by_rows = (rows + key.p * key.q - 1) / (key.p * key.q);
  return std::max(by_rows, (key.n + slices - 1) / slices);
}

/// The forward and data passes: slices of the batch run in parallel with one copy of the reordered weights.
template <class T>
void run_sliced(Pass pass, const Tensor& from, const Tensor& w, Tensor& to, Conv2dOptions options) {
  const bool forward = pass == Pass::forward;
  Key key = key_of(pass, forward ? from : to, w, forward ? to : from, options);
  const std::int64_t batch = key.n, slice = slice_size(key, 256, 16);
  key.n = std::min(slice, batch);
  const Plan& whole = plan_for(key);
  key.n = batch % slice;
  const Plan* rest = key.n > 0 && batch > slice ? &plan_for(key) : nullptr;
  const WideInput<T> filter(w.data<T>(), w.dim(0), w.numel() / w.dim(0), w.numel() / w.dim(0));
  const auto own_weights = [&](const Plan& plan) {
    Tensor own = buffer(plan.weights);
    reorder(plan.plain, filter.data(), plan.weights, own.data<float>());
    return own;
  };
  const Tensor weights = own_weights(whole);
  const Tensor rest_weights = !rest                            ? Tensor()
                              : rest->weights == whole.weights ? weights
                                                               : own_weights(*rest);
  const T* in = from.data<T>();
  T* out = to.data<T>();
  const std::int64_t in_row = from.numel() / batch, out_row = to.numel() / batch;
  parallel_for(batch, slice, [&](std::int64_t begin, std::int64_t end) {
    const bool partial = rest && end - begin < slice;
    const WideInput<T> source(in + begin * in_row, end - begin, in_row, in_row);
    WideOutput<T> target(out + begin * out_row, end - begin, out_row, out_row);
    execute(partial ? *rest : whole, pass, forward ? source.data() : target.data(),
            (partial ? rest_weights : weights).data<float>(), forward ? target.data() : source.data());
    target.store();
  });
}

template <class T>
void weight_gradient(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  Key key = key_of(Pass::backward_weight, x, dw, dy, options);
  const std::int64_t batch = key.n, slice = slice_size(key, 512, 8), slices = (batch + slice - 1) / slice;
  const std::int64_t x_row = x.numel() / batch, y_row = dy.numel() / batch;
  const T *in = x.data<T>(), *upstream = dy.data<T>();
  std::vector<Tensor> parts(static_cast<std::size_t>(slices));  // one gradient per slice, (K,R,S,C)
  parallel_for(slices, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t begin = i * slice, end = std::min(begin + slice, batch);
    Key own = key;
    own.n = end - begin;
    const Plan& plan = plan_for(own);
    Tensor blocked = buffer(plan.weights);
    const WideInput<T> x_slice(in + begin * x_row, own.n, x_row, x_row);
    const WideInput<T> dy_slice(upstream + begin * y_row, own.n, y_row, y_row);
    execute(plan, Pass::backward_weight, x_slice.data(), blocked.data<float>(), dy_slice.data());
    Tensor part = Tensor::empty(dw.shape());
    reorder(plan.weights, blocked.data<float>(), plan.plain, part.data<float>());
    parts[static_cast<std::size_t>(i)] = std::move(part);
  });
  for (const Tensor& part : parts) add_in_place(dw, part);  // in the order of the slices
}

}  // namespace

void conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  (x.dtype() == DType::bf16 ? run_sliced<bf16> : run_sliced<float>)(Pass::forward, x, w, y, options);
}

void conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options) {
  (dy.dtype() == DType::bf16 ? run_sliced<bf16> : run_sliced<float>)(Pass::backward_data, dy, w, dx, options);
}

void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options) {
  (x.dtype() == DType::bf16 ? weight_gradient<bf16> : weight_gradient<float>)(dw, dy, x, options);
}

}  // namespace salu::onednn
