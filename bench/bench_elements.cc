// SPDX-License-Identifier: MIT
/// The elementwise ops of the CPU in f32 and bf16, forward and backward: nanoseconds per element, beside SALU
/// and a copy.
///   build/bench/bench_elements [THREADS [ROWS]]     rows of 384 channels; 8192 are 12 MiB of f32
#include <fmt/format.h>

#include <cstring>

#include "bench/timing.h"
#include "core/ops/activations.h"
#include "core/ops/arithmetic.h"
#include "core/ops/drop.h"
#include "core/ops/salu.h"
#include "core/ops/squash.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/simd/instruction_set.h"

namespace salu::bench {
namespace {

constexpr std::int64_t kChannels = 384;

/// The tensors of one element type.
struct Arrays {
  Tensor x, dy, y, dx, one = Tensor::zeros({1}), done = Tensor::zeros({1}),
                       gamma = Tensor::full({kChannels}, 0.75), beta = Tensor::full({kChannels}, 0.25),
                       dgamma = Tensor::zeros({kChannels}), dbeta = Tensor::zeros({kChannels});
  Arrays(std::int64_t rows, DType dtype) {
    Tensor noise = Tensor::empty({rows, kChannels});
    Rng rng({3, Purpose::test, 0, 0});
    float* p = noise.data<float>();
    for (std::int64_t i = 0; i < noise.numel(); ++i) p[i] = static_cast<float>(rng.normal());
    x = noise.to(dtype), dy = noise.to(dtype), y = noise.to(dtype), dx = noise.to(dtype);
  }
};

struct Op {
  std::string name;
  std::function<void(Arrays&)> run;
};

void add_activation(std::vector<Op>& ops, const ActivationKernels& f) {
  ops.push_back({fmt::format("{} forward", f.op), [&f](Arrays& a) { f.forward({}, a.y, a.x); }});
  ops.push_back({fmt::format("{} backward", f.op), [&f](Arrays& a) { f.backward({}, a.dx, a.dy, a.x); }});
}

void add_squash(std::vector<Op>& ops, const SquashKernels& f) {
  const auto coefficients = [](Arrays& a) { return SquashCoefficients{a.one, a.one, a.gamma, a.beta}; };
  ops.push_back(
      {fmt::format("{} forward", f.op), [=, &f](Arrays& a) { f.forward({}, a.y, a.x, coefficients(a)); }});
  ops.push_back({fmt::format("{} backward", f.op), [=, &f](Arrays& a) {
                   f.backward({}, a.dx, {&a.done, nullptr, &a.dgamma, &a.dbeta}, a.dy, a.x, coefficients(a));
                 }});
}

void add_salu(std::vector<Op>& ops, const SaluOp& f) {
  const auto inputs = [](Arrays& a) { return SaluInputs{.x = a.x, .first = {a.one, a.one}}; };
  ops.push_back({fmt::format("{} forward", f.name), [=, &f](Arrays& a) { f.forward({}, a.y, inputs(a)); }});
  ops.push_back({fmt::format("{} backward", f.name), [=, &f](Arrays& a) {
                   SaluGradients out{.dx = a.dx, .first = {a.done, a.done}};
                   f.backward({}, out, a.dy, inputs(a));
                 }});
}

std::vector<Op> all_ops() {
  std::vector<Op> ops{{"copy", [](Arrays& a) {
                         const auto* from = static_cast<const char*>(a.x.raw());
                         auto* to = static_cast<char*>(a.y.raw());
                         const auto bytes = static_cast<std::int64_t>(dtype_bytes(a.x.dtype())) * a.x.numel();
                         parallel_for(bytes, 1 << 16, [=](std::int64_t begin, std::int64_t end) {
                           std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
                         });
                       }}};
  for (const SaluOp* f : {&salu_op, &swalu_op, &galu_op}) add_salu(ops, *f);
  for (const auto* f : {&relu_kernels, &gelu_kernels, &gelu_tanh_kernels, &swish_kernels, &hardswish_kernels})
    add_activation(ops, *f);
  ops.push_back({"prelu forward", [](Arrays& a) { prelu_kernels.forward({}, a.y, a.x, a.one); }});
  ops.push_back(
      {"prelu backward", [](Arrays& a) { prelu_kernels.backward({}, a.dx, &a.done, a.dy, a.x, a.one); }});
  for (const SquashKernels* f : {&dyt_kernels, &derf_kernels}) add_squash(ops, *f);
  ops.push_back({"add", [](Arrays& a) { add_kernels.forward({}, a.y, a.x, a.dy); }});
  ops.push_back({"mul", [](Arrays& a) { mul_kernels.forward({}, a.y, a.x, a.dy); }});
  ops.push_back({"scale", [](Arrays& a) { scale_kernels.forward({}, a.y, a.x, 0.5); }});
  ops.push_back({"bias forward", [](Arrays& a) { bias_kernels.forward({}, a.y, a.x, a.beta); }});
  ops.push_back({"bias backward", [](Arrays& a) { bias_kernels.backward({}, a.dbeta, a.dy); }});
  ops.push_back({"dropout", [](Arrays& a) {
                   dropout_kernels.forward({}, a.y, a.x, 0.1, RandomKey{1, Purpose::dropout, 0, 0});
                 }});
  ops.push_back({"drop_path", [](Arrays& a) {
                   drop_path_kernels.forward({}, a.y, a.x, 0.1, RandomKey{1, Purpose::dropout, 0, 0});
                 }});
  return ops;
}

void run(std::int64_t rows) {
  Arrays f32(rows, DType::f32), half(rows, DType::bf16);
  const std::vector<Op> ops = all_ops();
  std::vector<Timed> timed;
  for (const Op& op : ops) {
    for (Arrays* a : {&f32, &half}) timed.push_back({op.name, [&op, a] { op.run(*a); }});
  }
  time_interleaved(timed, 21);
  const double n = static_cast<double>(rows * kChannels);
  fmt::print("{} x {} elements, {} threads, {}: ns per element (10 %..90 %)\n", rows, kChannels,
             num_threads(), instruction_set());
  for (std::size_t i = 0; i < timed.size(); i += 2) {
    const auto column = [&](const Timed& t) {
      return fmt::format("{:.3f} ({:.3f}..{:.3f})", t.median() / n * 1e9, t.quantile(0.1) / n * 1e9,
                         t.quantile(0.9) / n * 1e9);
    };
    fmt::print("| {} | {} | {} |\n", timed[i].name, column(timed[i]), column(timed[i + 1]));
  }
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  salu::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  salu::bench::run(argc > 2 ? std::atoll(argv[2]) : 8192);
}
