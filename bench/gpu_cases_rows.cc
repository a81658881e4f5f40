// SPDX-License-Identifier: MIT
/// Cases with sums over rows, windows or tokens.
#include <fmt/format.h>

#include <cmath>

#include "bench/gpu_cases.h"
#include "core/ops/attention.h"
#include "core/ops/losses.h"
#include "core/ops/norms.h"
#include "core/ops/pooling.h"

namespace salu::bench {
namespace {

Tensor parameters(std::int64_t n, double value) { return Tensor::full({n}, value, DType::f32, kGpu); }

/// A pair of cases, forward and backward, that share how their tensors are made.
struct Pass {
  const char* variant;
  double bytes, flops;
  std::function<std::function<void()>()> make;
};
void add(CaseList& cases, const char* family, const std::string& name, std::initializer_list<Pass> passes) {
  for (const Pass& p : passes) cases.push_back({family, name, p.variant, p.bytes, p.flops, p.make});
}

void add_cross_entropy(CaseList& cases, std::int64_t batch, std::int64_t classes) {
  const double n = static_cast<double>(batch * classes);
  const auto targets = [=] {
    return Tensor::full({batch, classes}, 1.0 / static_cast<double>(classes), DType::f32, kGpu);
  };
  add(cases, "loss", fmt::format("cross entropy ({},{})", batch, classes),
      {{"forward", 10 * n, 0,
        [=] {
          return [loss = parameters(1, 0), p = device_empty({batch, classes}, DType::f32),
                  logits = noise({batch, classes}, DType::bf16),
                  t = targets()]() mutable { cross_entropy_kernels.forward(kGpu, loss, p, logits, t); };
        }},
       {"backward", 10 * n, 0, [=] {
          return
              [dlogits = device_empty({batch, classes}, DType::bf16), one = parameters(1, 1), p = targets(),
               t = targets()]() mutable { cross_entropy_kernels.backward(kGpu, dlogits, one, p, t); };
        }}});
}

/// The tensors that the three norms have in common: x, gamma, beta, saved statistics of `statistics` rows.
struct NormSet {
  Tensor x, dy, dx, gamma, beta, dgamma, dbeta, mean, var;
  NormResult result;

  NormSet(const Shape& shape, const Shape& statistics)
      : x(noise(shape, DType::bf16)),
        dy(noise(shape, DType::bf16)),
        dx(device_empty(shape, DType::bf16)),
        gamma(parameters(shape[-1], 1)),
        beta(parameters(shape[-1], 0)),
        dgamma(parameters(shape[-1], 0)),
        dbeta(parameters(shape[-1], 0)),
        mean(parameters(shape[-1], 0)),
        var(parameters(shape[-1], 1)),
        result{
            device_empty(shape, DType::bf16),
            {Tensor::full(statistics, 0, DType::f32, kGpu), Tensor::full(statistics, 1, DType::f32, kGpu)}} {}
  NormSums sums() { return {&dgamma, &dbeta}; }
};

/// `reads`: how often the forward pass must read x; the backward pass reads dy as well as often.
void add_norm(CaseList& cases, const char* name, const Shape& shape, const Shape& statistics, int reads,
              void (*forward)(NormSet&), void (*backward)(NormSet&)) {
  const double n = 2.0 * static_cast<double>(shape.numel());
  const auto make = [=](void (*pass)(NormSet&)) {
    return [=]() -> std::function<void()> {
      return [pass, s = std::make_shared<NormSet>(shape, statistics)] { pass(*s); };
    };
  };
  add(cases, "norm", fmt::format("{} {}", name, shape.str()),
      {{"forward", n * (reads + 1), 0, make(forward)}, {"backward", n * (2 * reads + 1), 0, make(backward)}});
}

void add_attention(CaseList& cases, std::int64_t batch, std::int64_t tokens, std::int64_t heads,
                   std::int64_t head) {
  const std::int64_t d = heads * head;
  const double scale = 1 / std::sqrt(static_cast<double>(head));
  const double unit = 2.0 * static_cast<double>(batch * tokens * d);
  // Products per score: q k and p v; backward that of the scores again, and four for dq, dk, dv, dp.
  const double product = 2.0 * static_cast<double>(batch * heads * tokens * tokens * head);
  const Shape out{batch, tokens, d}, in{batch, tokens, 3 * d}, rows{batch, heads, tokens};
  add(cases, "attention", fmt::format("b={} {} tokens, {} heads of {}", batch, tokens, heads, head),
      {{"forward", 4 * unit, 2 * product,
        [=] {
          return [y = device_empty(out, DType::bf16), l = device_empty(rows, DType::f32),
                  qkv = noise(in, DType::bf16),
                  scale]() mutable { attention_kernels.forward(kGpu, y, l, qkv, scale); };
        }},
       {"backward", 7 * unit, 5 * product, [=] {
          const Tensor qkv = noise(in, DType::bf16);
          const AttentionResult forward = attention_forward(qkv, heads, scale);
          return
              [dqkv = device_empty(in, DType::bf16), dy = noise(out, DType::bf16), qkv, l = forward.log_sum,
               scale]() mutable { attention_kernels.backward(kGpu, dqkv, dy, qkv, l, scale); };
        }}});
}

void add_max_pool(CaseList& cases, const Shape& shape, Pool2dOptions o) {
  const Shape small = pool2d_shape("max_pool2d", shape, o);
  const double x = 2.0 * static_cast<double>(shape.numel()), y = 2.0 * static_cast<double>(small.numel());
  add(cases, "pool", fmt::format("max 3x3 s2 {}", shape.str()),
      {{"forward", x + 3 * y, 0,
        [=] {
          return [out = device_empty(small, DType::bf16), at = device_empty(small, DType::i32),
                  in = noise(shape, DType::bf16),
                  o]() mutable { max_pool2d_kernels.forward(kGpu, out, at, in, o); };
        }},
       {"backward", x + 3 * y, 0, [=] {
          const MaxPool2dResult forward = max_pool2d_forward(noise(shape, DType::bf16), o);
          return [dx = device_empty(shape, DType::bf16), dy = noise(small, DType::bf16), at = forward.argmax,
                  o]() mutable { max_pool2d_kernels.backward(kGpu, dx, dy, at, o); };
        }}});
}

void add_mean_pools(CaseList& cases, const Shape& shape) {
  const Pool2dOptions o{2, 2, 0};
  const Shape half = pool2d_shape("avg_pool2d", shape, o), channels{shape[0], shape[3]};
  const double x = 2.0 * static_cast<double>(shape.numel());
  const auto pass = [&](const char* name, const char* variant, double small,
                        std::function<std::function<void()>()> make) {
    cases.push_back(
        {"pool", fmt::format("{} {}", name, shape.str()), variant, x + 2 * small, 0, std::move(make)});
  };
  const auto y = static_cast<double>(half.numel()), c = static_cast<double>(channels.numel());
  pass("average 2x2", "forward", y, [=] {
    return [out = device_empty(half, DType::bf16), in = noise(shape, DType::bf16), o]() mutable {
      avg_pool2d_kernels.forward(kGpu, out, in, o);
    };
  });
  pass("average 2x2", "backward", y, [=] {
    return [dx = device_empty(shape, DType::bf16), dy = noise(half, DType::bf16), o]() mutable {
      avg_pool2d_kernels.backward(kGpu, dx, dy, o);
    };
  });
  pass("global average", "forward", c, [=] {
    return [out = device_empty(channels, DType::bf16), in = noise(shape, DType::bf16)]() mutable {
      global_avg_pool_kernels.forward(kGpu, out, in);
    };
  });
  pass("global average", "backward", c, [=] {
    return [dx = device_empty(shape, DType::bf16), dy = noise(channels, DType::bf16)]() mutable {
      global_avg_pool_kernels.backward(kGpu, dx, dy);
    };
  });
}

void batch_forward(NormSet& s) {
  batch_norm_kernels.forward(kGpu, s.result, s.x, s.gamma, s.beta, s.mean, s.var, {});
}
void batch_backward(NormSet& s) {
  batch_norm_kernels.backward(kGpu, s.dx, s.sums(), s.dy, s.x, s.gamma, s.result.saved, true);
}
void layer_forward(NormSet& s) { layer_norm_kernels.forward(kGpu, s.result, s.x, s.gamma, s.beta, 1e-5); }
void layer_backward(NormSet& s) {
  layer_norm_kernels.backward(kGpu, s.dx, s.sums(), s.dy, s.x, s.gamma, s.result.saved);
}
void group_forward(NormSet& s) { group_norm_kernels.forward(kGpu, s.result, s.x, s.gamma, s.beta, 1e-5); }
void group_backward(NormSet& s) {
  group_norm_kernels.backward(kGpu, s.dx, s.sums(), s.dy, s.x, s.gamma, s.result.saved);
}

}  // namespace

CaseList row_cases(const CaseOptions& options) {
  CaseList cases;
  if (options.smoke) {
    add_cross_entropy(cases, 5, 11);
  } else {
    add_cross_entropy(cases, 512, 10);
    add_cross_entropy(cases, 256, 1000);
    add_cross_entropy(cases, 65536, 1000);
  }
  const Shape images = options.smoke ? Shape{2, 5, 3, 6} : Shape{512, 32, 32, 64};
  const Shape tokens = options.smoke ? Shape{9, 33} : Shape{1024 * 65, 384};
  const std::int64_t groups = options.smoke ? 3 : 32;
  add_norm(cases, "batch", images, {images[3]}, 2, batch_forward, batch_backward);
  add_norm(cases, "layer", tokens, {tokens[0]}, 1, layer_forward, layer_backward);
  add_norm(cases, "group", images, {images[0], groups}, 1, group_forward, group_backward);
  return cases;
}

CaseList pool_cases(const CaseOptions& options) {
  CaseList cases;
  add_max_pool(cases, options.smoke ? Shape{1, 9, 7, 5} : Shape{256, 112, 112, 64}, {3, 2, 1});
  add_mean_pools(cases, options.smoke ? Shape{2, 4, 6, 5} : Shape{256, 14, 14, 1024});
  return cases;
}

CaseList attention_cases(const CaseOptions& options) {
  CaseList cases;
  if (options.smoke) {
    add_attention(cases, 1, 5, 2, 8);
    return cases;
  }
  add_attention(cases, 128, 65, 12, 32);
  add_attention(cases, 1024, 65, 12, 32);
  add_attention(cases, 64, 197, 6, 64);
  add_attention(cases, 8, 1024, 12, 64);
  return cases;
}

}  // namespace salu::bench
