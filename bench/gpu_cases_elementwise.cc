// SPDX-License-Identifier: MIT
/// Cases that are bound by memory, element by element.
#include <fmt/format.h>

#include "bench/backward_without_sums.h"
#include "bench/gpu_cases.h"
#include "core/gpu.h"
#include "core/ops/activations.h"
#include "core/ops/arithmetic.h"
#include "core/ops/optimizer_step.h"
#include "core/ops/salu.h"
#include "core/ops/squash.h"

namespace salu::bench {
namespace {

std::string size_name(double bytes) {
  return bytes >= 1e6 ? fmt::format("{:.0f} MB", bytes / 1e6) : fmt::format("{:.0f} B", bytes);
}

/// Tensors of `bytes` bytes in bf16; awkward in the smoke test.
std::vector<std::int64_t> element_counts(const CaseOptions& options) {
  if (options.smoke) return {1031};
  return {8'000'000, 32'000'000, 128'000'000, 512'000'000};  // 16, 64, 256, 1024 MB
}

/// The tensors of one call of an op of the family.
struct FamilySet {
  SaluInputs in;
  Tensor y, dy;
  SaluGradients out;

  FamilySet(const SaluOp& op, std::int64_t n, bool backward)
      : in{.x = noise({n}, DType::bf16), .first = {scalar(0.27), scalar(0.27)}} {
    if (has_two_curves(op.member)) in.gate = {scalar(-0.69), scalar(-0.69)};
    if (adds_residual(op.member)) in.residual = noise({n}, DType::bf16);
    if (!backward) {
      y = device_empty({n}, DType::bf16);
      return;
    }
    dy = noise({n}, DType::bf16);
    out = {device_empty({n}, DType::bf16), {}, {scalar(0), scalar(0)}, {scalar(0), scalar(0)}};
    if (adds_residual(op.member)) out.dresidual = device_empty({n}, DType::bf16);
  }
  static Tensor scalar(double value) { return Tensor::full({1}, value, DType::f32, kGpu); }
};

struct FamilyMember {
  const char* name;
  const SaluOp& op;
};

const FamilyMember kMembers[] = {{"salu", salu_op},
                                 {"swalu", swalu_op},
                                 {"galu", galu_op},
                                 {"mid (salu, swalu)", salu_swalu_op},
                                 {"end (salu, add, swalu)", salu_add_swalu_op}};

KernelCase family_case(const FamilyMember& m, const char* variant, std::int64_t n, bool backward,
                       std::function<void(FamilySet&)> run) {
  const bool adds = adds_residual(m.op.member);
  const int tensors = backward ? (adds ? 5 : 3) : (adds ? 3 : 2);
  return {"salu",
          m.name + (", " + size_name(2.0 * static_cast<double>(n))),
          variant,
          2.0 * tensors * static_cast<double>(n),
          0,
          [=, &op = m.op] {
            return [run, s = std::make_shared<FamilySet>(op, n, backward)] { run(*s); }; }};
}

/// A case over tensors of one shape: `in` inputs, one output.
template <class Run>
KernelCase map_case(const char* name, std::int64_t n, int in, Run run) {
  return {"pointwise",
          name + (", " + size_name(2.0 * static_cast<double>(n))),
          "bf16",
          2.0 * (in + 1) * static_cast<double>(n),
          0,
          [=] {
            const Tensor a = noise({n}, DType::bf16), b = in > 1 ? noise({n}, DType::bf16) : Tensor();
            return [run, a, b, y = device_empty({n}, DType::bf16)]() mutable { run(y, a, b); };
          }};
}

}  // namespace

CaseList copy_cases(const CaseOptions& options) {
  CaseList cases;
  for (const std::size_t bytes :
       options.smoke ? std::vector<std::size_t>{4096}
                     : std::vector<std::size_t>{4'000'000, 16'000'000, 64'000'000, 1'000'000'000}) {
    cases.push_back({"ceiling", "copy, " + size_name(static_cast<double>(bytes)), "device",
                     2.0 * static_cast<double>(bytes), 0, [=] {
                       const auto count = static_cast<std::int64_t>(bytes / 2);
                       return [from = noise({count}, DType::bf16),
                               to = device_empty({count}, DType::bf16)]() mutable {
                         gpu::copy_on_device(to.raw(), from.raw(), from.bytes());
                       };
                     }});
  }
  return cases;
}

CaseList salu_cases(const CaseOptions& options) {
  CaseList cases;
  const CurvePair<float> curves{{1, 1}, {0.5f, 0.5f}};
  for (const std::int64_t n : element_counts(options)) {
    for (const FamilyMember& m : kMembers) {
      cases.push_back(
          family_case(m, "forward", n, false, [&op = m.op](FamilySet& s) { op.forward(kGpu, s.y, s.in); }));
      cases.push_back(family_case(m, "backward", n, true,
                                  [&op = m.op](FamilySet& s) { op.backward(kGpu, s.out, s.dy, s.in); }));
    }
    cases.push_back(family_case(kMembers[0], "no sums", n, true, [curves](FamilySet& s) {
      salu_backward_without_sums(s.out.dx, s.dy, s.in.x, curves);
    }));
    cases.push_back(family_case(kMembers[3], "no sums", n, true, [curves](FamilySet& s) {
      salu_swalu_backward_without_sums(s.out.dx, s.dy, s.in.x, curves);
    }));
  }
  return cases;
}

CaseList pointwise_cases(const CaseOptions& options) {
  const std::int64_t n = options.smoke ? 1031 : 128'000'000;
  return {map_case("add", n, 2,
                   [](Tensor& y, const Tensor& a, const Tensor& b) { add_kernels.forward(kGpu, y, a, b); }),
          map_case("relu", n, 1,
                   [](Tensor& y, const Tensor& a, const Tensor&) { relu_kernels.forward(kGpu, y, a); }),
          map_case("relu backward", n, 2,
                   [](Tensor& y, const Tensor& a, const Tensor& b) { relu_kernels.backward(kGpu, y, a, b); }),
          map_case("gelu", n, 1,
                   [](Tensor& y, const Tensor& a, const Tensor&) { gelu_kernels.forward(kGpu, y, a); }),
          map_case("gelu backward", n, 2, [](Tensor& y, const Tensor& a, const Tensor& b) {
            gelu_kernels.backward(kGpu, y, a, b);
          })};
}

CaseList optimizer_cases(const CaseOptions& options) {
  const std::int64_t n = options.smoke ? 1031 : 25'500'000;  // ResNet-50
  CaseList cases;
  for (const auto& [name, kind, moments] :
       {std::tuple{"sgd", OptimizerKind::sgd, 1}, std::tuple{"adamw", OptimizerKind::adamw, 2}}) {
    // Read: values, gradients (twice: norm and step), moments. Written: values, moments, the bf16 copy.
    const double per_parameter = 4 + 8 + 4.0 * moments + 4 + 4.0 * moments + 2;
    cases.push_back({"optimizer", fmt::format("{}, {} parameters", name, n), "f32 + bf16",
                     per_parameter * static_cast<double>(n), 0, [=, kind = kind, moments = moments] {
                       UpdateOptions update;
                       update.kind = kind;
                       UpdatePlan plan = make_update_plan({{0, n, 1, 1e-4f, 0, false}}, kGpu);
                       UpdateBuffers buffers{noise({n}, DType::f32),
                                             noise({n}, DType::f32),
                                             Tensor::zeros({n}, DType::f32, kGpu),
                                             moments > 1 ? Tensor::zeros({n}, DType::f32, kGpu) : Tensor(),
                                             Tensor(),
                                             device_empty({n}, DType::bf16)};
                       Tensor control = Tensor::zeros({kControlSlots}, DType::f64, kGpu);
                       const Tensor loss = Tensor::zeros({1}, DType::f32, kGpu);
                       return [=]() mutable {
                         measure_step(control, buffers.gradients, loss);
                         update_parameters(buffers, control, plan, update);
                       };
                     }});
  }
  return cases;
}

}  // namespace salu::bench
