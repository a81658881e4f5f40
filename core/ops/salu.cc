// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

#include "core/parallel.h"
#include "core/simd/instruction_set.h"
#include "core/simd/salu_loops.h"

namespace salu {
namespace {

template <class T>
const SaluLoops<T>& loops() {
  if constexpr (!std::is_same_v<T, double>) {
    if (best_instruction_set() >= InstructionSet::avx512) return avx512::salu_loops<T>();
    if (best_instruction_set() == InstructionSet::avx2) return avx2::salu_loops<T>();
  }
  return baseline::salu_loops<T>();
}

/// Null for a tensor that the op does not use.
template <class T, class AnyTensor>
auto at(AnyTensor& t, std::int64_t offset) {
  return t.defined() ? t.template data<T>() + offset : nullptr;
}

Coefficients<double> numbers(const Coefficients<Tensor>& c) { return {c.a.item(), c.b.item(), c.positive}; }

template <class W>
CurvePair<W> curves_of(const SaluInputs& in) {
  const auto curve = [](const Coefficients<Tensor>& c) -> Curve<W> {
    if (!c.a.defined()) return {};
    const Curve<double> exact = curve_of(numbers(c));
    return {static_cast<W>(exact.s), static_cast<W>(exact.inv_w)};
  };
  return {curve(in.first), curve(in.gate)};
}

void add_to(Tensor& gradient, double value) {
  if (!gradient.defined()) return;
  dispatch_float("salu", gradient.dtype(), [&]<class T>() { *gradient.data<T>() += static_cast<T>(value); });
}

void add_gradients(CoefficientGradients<Tensor>& gradients, const Coefficients<Tensor>& c,
                   const CurveSums<double>& sums) {
  if (!c.a.defined()) return;
  const CoefficientGradients<double> d = coefficient_gradients(numbers(c), sums);
  add_to(gradients.a, d.a);
  add_to(gradients.b, d.b);
}

template <SaluMember member>
void forward(Tensor& y, const SaluInputs& in) {
  dispatch_elements("salu", in.x.dtype(), [&]<class T>() {
    const auto curves = curves_of<Wide<T>>(in);
    const auto loop = loops<T>().forward[static_cast<int>(member)];
    parallel_for(in.x.numel(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      loop(end - begin, at<T>(y, begin), at<T>(in.x, begin), at<T>(in.residual, begin), curves);
    });
  });
}

template <SaluMember member>
void backward(SaluGradients& out, const Tensor& dy, const SaluInputs& in) {
  dispatch_elements("salu", in.x.dtype(), [&]<class T>() {
    const auto curves = curves_of<Wide<T>>(in);
    const auto loop = loops<T>().backward[static_cast<int>(member)];
    const auto sums = parallel_sum<CurvePairSums<double>>(
        in.x.numel(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
          return loop(end - begin, at<T>(out.dx, begin), at<T>(out.dresidual, begin), at<T>(dy, begin),
                      at<T>(in.x, begin), at<T>(in.residual, begin), curves);
        });
    add_gradients(out.first, in.first, sums.first);
    add_gradients(out.gate, in.gate, sums.gate);
  });
}

template <SaluMember member>
constexpr SaluOp cpu_op(const char* name, const char* forward_name, const char* backward_name) {
  return {name, member, {forward_name, forward<member>}, {backward_name, backward<member>}};
}

void check_coefficient(const SaluOp& op, const Tensor& x, const Tensor& t) {
  check(t.defined() && t.numel() == 1, "[{}] expected coefficients of one element, got {}", op.name,
        t.defined() ? t.shape().str() : "an undefined tensor");
  check_parameter(op.name, "coefficients", t, x);
}

void check_inputs(const SaluOp& op, const SaluInputs& in) {
  for (const Tensor& t : {in.first.a, in.first.b}) check_coefficient(op, in.x, t);
  if (has_two_curves(op.member)) {
    for (const Tensor& t : {in.gate.a, in.gate.b}) check_coefficient(op, in.x, t);
  }
  if (adds_residual(op.member)) check_like(op.name, in.x, in.residual);
}

}  // namespace

constinit SaluOp salu_op = cpu_op<SaluMember::salu>("salu", "salu_forward", "salu_backward");
constinit SaluOp swalu_op = cpu_op<SaluMember::swalu>("swalu", "swalu_forward", "swalu_backward");
constinit SaluOp galu_op = cpu_op<SaluMember::galu>("galu", "galu_forward", "galu_backward");
constinit SaluOp salu_swalu_op =
    cpu_op<SaluMember::salu_swalu>("salu_swalu", "salu_swalu_forward", "salu_swalu_backward");
constinit SaluOp salu_add_swalu_op =
    cpu_op<SaluMember::salu_add_swalu>("salu_add_swalu", "salu_add_swalu_forward", "salu_add_swalu_backward");

Tensor salu_forward(const SaluOp& op, const SaluInputs& in) {
  check_inputs(op, in);
  Tensor y = Tensor::empty(in.x.shape(), in.x.dtype(), in.x.device());
  op.forward(in.x.device(), y, in);
  return y;
}

void salu_backward(const SaluOp& op, SaluGradients& out, const Tensor& dy, const SaluInputs& in) {
  check_inputs(op, in);
  check_like(op.name, in.x, dy);
  for (const Tensor& t : {out.first.a, out.first.b, out.gate.a, out.gate.b}) {
    if (t.defined()) check_coefficient(op, in.x, t);
  }
  out.dx = Tensor::empty(in.x.shape(), in.x.dtype(), in.x.device());
  if (adds_residual(op.member)) out.dresidual = Tensor::empty(in.x.shape(), in.x.dtype(), in.x.device());
  op.backward(in.x.device(), out, dy, in);
}

}  // namespace salu
