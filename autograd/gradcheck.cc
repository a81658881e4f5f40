// SPDX-License-Identifier: MIT
#include "autograd/gradcheck.h"

#include <algorithm>

#include "core/rng.h"

namespace salu {
namespace {

using Function = std::function<Variable(const std::vector<Variable>&)>;

std::vector<Variable> make_variables(const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  std::vector<Variable> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool constant = std::ranges::find(options.constant, i) != options.constant.end();
    out.emplace_back(inputs[i], inputs[i].dtype() == DType::f64 && !constant);
  }
  return out;
}

std::vector<double> evaluate(const Function& function, const std::vector<Tensor>& inputs) {
  const NoGrad guard;
  std::vector<Variable> variables;
  for (const Tensor& t : inputs) variables.emplace_back(t);
  return function(variables).value().values<double>();
}

/// Gradients of all inputs for one upstream gradient; empty vectors for constant inputs.
std::vector<std::vector<double>> analytic(const Function& function, const std::vector<Tensor>& inputs,
                                          const std::vector<double>& upstream,
                                          const GradcheckOptions& options) {
  std::vector<Variable> variables = make_variables(inputs, options);
  const Variable y = function(variables);
  backward(y, Tensor::from(y.shape(), upstream));
  std::vector<std::vector<double>> out;
  for (const Variable& v : variables) {
    if (!v.requires_grad()) {
      out.emplace_back();
    } else if (v.grad().defined()) {
      out.push_back(v.grad().values<double>());
    } else {
      out.emplace_back(static_cast<std::size_t>(v.value().numel()), 0.0);
    }
  }
  return out;
}

/// numeric[input][element][output], by central differences.
using Jacobian = std::vector<std::vector<std::vector<double>>>;

Jacobian numeric_jacobian(const Function& function, std::vector<Tensor> inputs,
                          const GradcheckOptions& options) {
  Jacobian out(inputs.size());
  const std::vector<Variable> variables = make_variables(inputs, options);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!variables[i].requires_grad()) continue;
    const Tensor original = inputs[i];
    for (std::int64_t e = 0; e < original.numel(); ++e) {
      const auto shifted = [&](double step) {
        inputs[i] = original.clone();
        inputs[i].data<double>()[e] += step;
        return evaluate(function, inputs);
      };
      std::vector<double> column = shifted(options.eps);
      const std::vector<double> minus = shifted(-options.eps);
      for (std::size_t k = 0; k < column.size(); ++k) column[k] = (column[k] - minus[k]) / (2 * options.eps);
      out[i].push_back(std::move(column));
    }
    inputs[i] = original;
  }
  return out;
}

/// The element that exceeds the tolerance most.
struct Worst {
  double excess = 0;
  std::string text;

  void see(double got, double want, double scale, const GradcheckOptions& options, const std::string& where) {
    const double difference = std::abs(got - want),
                 allowed = options.atol * scale + options.rtol * std::abs(want);
    if (difference <= allowed) return;  // false for NaN, too
    const double by = std::isnan(difference) ? HUGE_VAL : difference / allowed;
    if (by > excess) {
      excess = by;
      text = fmt::format("{}: analytic {:.12g}, numeric {:.12g}", where, got, want);
    }
  }
};

}  // namespace

std::string check_gradients(const Function& function, const std::vector<Tensor>& inputs,
                            const GradcheckOptions& options) {
  const Jacobian numeric = numeric_jacobian(function, inputs, options);
  const std::size_t outputs = evaluate(function, inputs).size();
  Rng rng({options.seed, Purpose::test, 0, 0});
  Worst worst;
  // Row by row: one output at a time, with an upstream gradient that is not 1 and differs between outputs.
  for (std::size_t k = 0; k < outputs; ++k) {
    std::vector<double> upstream(outputs, 0.0);
    upstream[k] = rng.uniform(0.5, 2.0);
    const auto gradients = analytic(function, inputs, upstream, options);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      for (std::size_t e = 0; e < gradients[i].size(); ++e) {
        worst.see(gradients[i][e] / upstream[k], numeric[i][e][k], 1.0, options,
                  fmt::format("d output[{}] / d input {}[{}]", k, i, e));
      }
    }
  }
  // All at once: tests paths that meet, and sums over the outputs. The tolerance grows with the number of
  // terms.
  std::vector<double> upstream(outputs);
  for (double& u : upstream) u = rng.normal();
  const auto gradients = analytic(function, inputs, upstream, options);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    for (std::size_t e = 0; e < gradients[i].size(); ++e) {
      double want = 0, scale = 1;
      for (std::size_t k = 0; k < outputs; ++k) {
        want += upstream[k] * numeric[i][e][k];
        scale += std::abs(upstream[k]);
      }
      worst.see(gradients[i][e], want, scale, options,
                fmt::format("upstream . d output / d input {}[{}]", i, e));
    }
  }
  return worst.text;
}

}  // namespace salu
