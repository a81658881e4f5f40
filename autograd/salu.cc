// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

#include "autograd/functions.h"

namespace salu {
namespace {

Coefficients<Tensor> values(const Coefficients<Variable>& c) {
  return {c.a.value(), c.b.value(), c.positive};
}

/// Gradients of a and b, inputs i and i + 1 of the node; undefined where they are not needed.
CoefficientGradients<Tensor> coefficient_sums(Gradients& gradients, std::size_t i) {
  const auto sum = [&](std::size_t k) { return gradients.wanted(k) ? gradients.sum(k) : Tensor(); };
  return {sum(i), sum(i + 1)};
}

/// Records `op` with its inputs in this order: x, the residual if any, a and b of the first curve, a and b of
/// the gate if any.
Variable record_salu(const SaluOp& op, const SaluInputs& in, const std::vector<Variable>& inputs) {
  return record(op.name, salu_forward(op, in), inputs,
                [&op, in](const Tensor& dy, Gradients& gradients) {
                  const bool adds = in.residual.defined(), gated = in.gate.a.defined();
                  const std::size_t first = adds ? 2 : 1;
                  SaluGradients out;
                  out.first = coefficient_sums(gradients, first);
                  if (gated) out.gate = coefficient_sums(gradients, first + 2);
                  salu_backward(op, out, dy, in);
                  gradients.set(0, std::move(out.dx));
                  if (adds) gradients.set(1, std::move(out.dresidual));
                },
                {{"positive", in.first.positive}, {"gate_positive", in.gate.positive}});
}

Variable one_curve(const SaluOp& op, const Variable& x, const Coefficients<Variable>& c) {
  return record_salu(op, {.x = x.value(), .first = values(c)}, {x, c.a, c.b});
}

}  // namespace

Variable salu(const Variable& x, const Coefficients<Variable>& c) { return one_curve(salu_op, x, c); }
Variable swalu(const Variable& x, const Coefficients<Variable>& c) { return one_curve(swalu_op, x, c); }
Variable galu(const Variable& x, const Coefficients<Variable>& c) { return one_curve(galu_op, x, c); }

Variable salu_swalu(const Variable& x, const Coefficients<Variable>& stabilizer,
                    const Coefficients<Variable>& gate) {
  return record_salu(salu_swalu_op, {.x = x.value(), .first = values(stabilizer), .gate = values(gate)},
                     {x, stabilizer.a, stabilizer.b, gate.a, gate.b});
}

Variable salu_add_swalu(const Variable& x, const Variable& residual, const Coefficients<Variable>& stabilizer,
                        const Coefficients<Variable>& gate) {
  return record_salu(
      salu_add_swalu_op,
      {.x = x.value(), .first = values(stabilizer), .gate = values(gate), .residual = residual.value()},
      {x, residual, stabilizer.a, stabilizer.b, gate.a, gate.b});
}

}  // namespace salu
