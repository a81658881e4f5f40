// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

#include "autograd/functions.h"
#include "tests/samples/salu.h"

namespace salu::test {
namespace {

/// The positive numbers a and b of a curve.
struct Paper {
  double a, b;
};

/// The two stored numbers for them, by the definition of `positive` (core/ops/options.h).
double stored_a(Paper c, Positive positive) {
  if (positive == Positive::exp) return std::log(c.a);
  return positive == Positive::softplus ? std::log(std::exp(c.a) - 1) : std::log(std::sqrt(c.a / c.b));
}
double stored_b(Paper c, Positive positive) {
  if (positive == Positive::exp) return std::log(c.b);
  return positive == Positive::softplus ? std::log(std::exp(c.b) - 1) : std::log(1 / std::sqrt(c.a * c.b));
}

/// One op, its differentiable function and its formula. The inputs are x, the residual of salu_add_swalu,
/// a and b of the first curve, and those of the gate of the fused ops.
struct Member {
  const SaluOp& op;
  Variable (*function)(const std::vector<Variable>& in, Positive positive);
  double (*formula)(double x, double residual, Paper first, Paper gate);

  bool adds() const { return adds_residual(op.member); }
  bool gated() const { return has_two_curves(op.member); }
  std::size_t first() const { return adds() ? 2 : 1; }
  std::vector<std::size_t> coefficients() const {
    std::vector<std::size_t> places{first(), first() + 1};
    if (gated()) places.insert(places.end(), {first() + 2, first() + 3});
    return places;
  }
};

OpSample sample(const Member& member, const std::string& label, Shape shape, double sigma, Paper first,
                Paper gate, Positive positive) {
  std::vector<Tensor> inputs{random_tensor(shape, 1, sigma)};
  if (member.adds()) inputs.push_back(random_tensor(shape, 2));
  for (const Paper c : {first, gate}) {
    inputs.push_back(scalar(stored_a(c, positive)));
    inputs.push_back(scalar(stored_b(c, positive)));
  }
  inputs.resize(member.coefficients().back() + 1);
  const auto oracle = [=](const std::vector<Tensor>& in) {
    Tensor y = in[0].clone();
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      const double residual = member.adds() ? in[1].data<double>()[i] : 0;
      y.data<double>()[i] = member.formula(in[0].data<double>()[i], residual, first, gate);
    }
    return y;
  };
  return {.label = label,
          .inputs = inputs,
          .function = [=](const auto& in) { return member.function(in, positive); },
          .oracle = oracle};
}

/// Every size, curves that are nearly lines, bent and saturated, and every way of storing the coefficients.
void add_samples(OpEntry& entry, const Member& member) {
  const Paper pairs[] = {{1.316, 0.76}, {1, 1}, {0.5, 0.5}, {4, 0.25}, {0.2, 3}};
  int turn = 0;
  for (const auto& [name, positive] :
       {std::pair{"exp", Positive::exp}, {"softplus", Positive::softplus}, {"log_sw", Positive::log_sw}}) {
    for (const std::int64_t n : kAwkwardSizes) {
      const Paper first = pairs[turn % 5], gate = pairs[(turn + 2) % 5];
      const double sigma = turn % 3 == 0 ? 0.05 : turn % 3 == 1 ? 1.0 : 8.0;
      entry.samples.push_back(
          sample(member, fmt::format("({}) {} a={} b={} sigma={}", n, name, first.a, first.b, sigma),
                 Shape{n}, sigma, first, gate, positive));
      ++turn;
    }
    entry.samples.push_back(sample(member, fmt::format("(2,3,5,7) {}", name), Shape{2, 3, 5, 7}, 1.0,
                                   pairs[1], pairs[2], positive));
  }
  entry.large = {
      sample(member, "(5,1031)", Shape{5, 1031}, 8.0, {1.316, 0.76}, {0.5, 0.5}, Positive::log_sw)};
}

/// Coefficients that take no gradient: all of them, or the first a alone.
void add_frozen_samples(OpEntry& entry, const Member& member) {
  const auto frozen = [&](const char* label, std::vector<std::size_t> constant) {
    OpSample s = sample(member, label, Shape{31}, 1.0, {1.316, 0.76}, {0.5, 0.5}, Positive::exp);
    s.constant = std::move(constant);
    entry.samples.push_back(std::move(s));
  };
  frozen("(31), no coefficient takes a gradient", member.coefficients());
  frozen("(31), the first a takes no gradient", {member.first()});
}

/// Inputs of two elements that the op accepts.
SaluInputs good_inputs(const Member& member) {
  const Tensor one = Tensor::zeros({1});
  SaluInputs in{.x = Tensor::zeros({2}), .first = {one, one}};
  if (member.gated()) in.gate = {one, one};
  if (member.adds()) in.residual = Tensor::zeros({2});
  return in;
}

void add_bad_calls(OpEntry& entry, const Member& member) {
  const auto bad_input = [&](const char* label, const std::function<void(SaluInputs&)>& spoil,
                             const char* message) {
    SaluInputs in = good_inputs(member);
    spoil(in);
    entry.bad_calls.push_back({label, [=] { salu_forward(member.op, in); },
                               fmt::format("[{}] expected {}", member.op.name, message)});
  };
  const auto bad_gradient = [&](const char* label, const Tensor& dy, const Tensor& da, const char* message) {
    const SaluInputs in = good_inputs(member);
    entry.bad_calls.push_back({label,
                               [=] {
                                 SaluGradients out;
                                 out.first.a = da;
                                 salu_backward(member.op, out, dy, in);
                               },
                               fmt::format("[{}] expected {}", member.op.name, message)});
  };
  bad_input(
      "coefficients per channel", [](SaluInputs& in) { in.first.a = Tensor::zeros({3}); },
      "coefficients of one element, got (3)");
  bad_input(
      "coefficient of another dtype", [](SaluInputs& in) { in.first.b = scalar(0); },
      "coefficients f32, got f64");
  if (member.gated()) {
    bad_input(
        "gate per channel", [](SaluInputs& in) { in.gate.a = Tensor::zeros({3}); },
        "coefficients of one element, got (3)");
    bad_input(
        "no gate", [](SaluInputs& in) { in.gate = {}; },
        "coefficients of one element, got an undefined tensor");
  }
  if (member.adds()) {
    bad_input(
        "residual of another shape",
        [](SaluInputs& in) {
          in.residual = Tensor::zeros({1, 2});
        },
        "shape (2), got (1,2)");
  }
  bad_gradient("gradient of another shape", Tensor::zeros({3}), Tensor(), "shape (2), got (3)");
  bad_gradient("gradients of coefficients per channel", Tensor::zeros({2}), Tensor::zeros({2}),
               "coefficients of one element, got (2)");
}

OpEntry entry_of(const Member& member) {
  OpEntry entry{member.op.name, {}, {}, member.coefficients()};
  add_samples(entry, member);
  add_frozen_samples(entry, member);
  add_bad_calls(entry, member);
  return entry;
}

OpEntry salu_entry() {
  return entry_of({salu_op,
                   [](const auto& in, Positive positive) {
                     return salu(in[0], {in[1], in[2], positive});
                   },
                   [](double x, double, Paper c, Paper) { return paper_salu(x, c.a, c.b); }});
}

OpEntry swalu_entry() {
  return entry_of({swalu_op,
                   [](const auto& in, Positive positive) {
                     return swalu(in[0], {in[1], in[2], positive});
                   },
                   [](double x, double, Paper c, Paper) { return paper_swalu(x, c.a, c.b); }});
}

OpEntry galu_entry() {
  return entry_of({galu_op,
                   [](const auto& in, Positive positive) {
                     return galu(in[0], {in[1], in[2], positive});
                   },
                   [](double x, double, Paper c, Paper) { return paper_galu(x, c.a, c.b); }});
}

OpEntry salu_swalu_entry() {
  return entry_of({salu_swalu_op,
                   [](const auto& in, Positive positive) {
                     return salu_swalu(in[0], {in[1], in[2], positive}, {in[3], in[4], positive});
                   },
                   [](double x, double, Paper c, Paper gate) {
                     return paper_swalu(paper_salu(x, c.a, c.b), gate.a, gate.b);
                   }});
}

OpEntry salu_add_swalu_entry() {
  return entry_of({salu_add_swalu_op,
                   [](const auto& in, Positive positive) {
                     return salu_add_swalu(in[0], in[1], {in[2], in[3], positive}, {in[4], in[5], positive});
                   },
                   [](double x, double residual, Paper c, Paper gate) {
                     return paper_swalu(paper_salu(x, c.a, c.b) + residual, gate.a, gate.b);
                   }});
}

}  // namespace

std::vector<OpEntry> salu_entries() {
  return {salu_entry(), swalu_entry(), galu_entry(), salu_swalu_entry(), salu_add_swalu_entry()};
}

}  // namespace salu::test
