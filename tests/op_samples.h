// SPDX-License-Identifier: MIT
/// The op sample table: every op lists inputs and an oracle here, and every kind of op test is generated from
/// it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "core/rng.h"

namespace salu::test {

/// One call of one op. Inputs are given in f64; the tests convert them to the dtype under test.
struct OpSample {
  std::string label;           ///< shows in the test's name: "(2,5,7,3) stride 2"
  std::vector<Tensor> inputs;  ///< f64 (or an integer dtype, which is kept as it is)
  /// The differentiable function, e.g. `[](auto& in) { return relu(in[0]); }`.
  std::function<Variable(const std::vector<Variable>&)> function;
  /// Plain loops in f64, sharing no code with the op: the expected output for the f64 inputs.
  std::function<Tensor(const std::vector<Tensor>&)> oracle;
  /// The op sums over many elements: f32 is compared by error against f64, not element by element.
  bool has_sum = false;
  /// Inputs that take no gradient (indices, targets, masks).
  std::vector<std::size_t> constant = {};
  /// Inputs that stay f32 beside bf16 activations: biases, affine parameters, coefficients, soft targets.
  std::vector<std::size_t> parameters = {};
};

/// One misuse of one op: the message that must come out.
struct BadCall {
  std::string label;
  std::function<void()> call;
  std::string message;  ///< a substring, with the `[op]` prefix
};

struct OpEntry {
  std::string op;
  std::vector<OpSample> samples;
  std::vector<BadCall> bad_calls;
  std::vector<std::size_t> parameters = {};  ///< OpSample::parameters of every sample
  /// Too large for a Jacobian: shapes that take several blocks of a kernel, or packs of several channels.
  /// Their oracle is not used: f64 on the CPU is.
  std::vector<OpSample> large = {};
};

/// All entries, in the order of the families of core/meson.build. Generated: a family without entries does
/// not link.
std::vector<OpEntry> op_table();

/// Sizes that find the mistakes powers of two hide.
inline const std::vector<std::int64_t> kAwkwardSizes = {0, 1, 3, 31, 33, 127};

/// f64 values from N(0, sigma), another stream for each tag; at least `gap` away from every kink in `kinks`.
Tensor random_tensor(Shape shape, std::uint32_t tag, double sigma = 1.0, double gap = 0.0,
                     const std::vector<double>& kinks = {0.0});

/// Oracle of an elementwise function of one input.
std::function<Tensor(const std::vector<Tensor>&)> elementwise_oracle(double (*f)(double));

}  // namespace salu::test
