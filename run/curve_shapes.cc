// SPDX-License-Identifier: MIT
#include "run/curve_shapes.h"

#include <map>

#include "core/ops/salu_math.h"

namespace salu {

bool is_gate(const std::string& layer) {
  const std::size_t dot = layer.rfind('.');
  return layer.compare(dot == layer.npos ? 0 : dot + 1, 3, "act") == 0;
}

std::vector<CurveShape> curve_shapes(const ParameterStore& store, Positive positive) {
  const std::string first = ".alpha", second = ".beta";  // CurveParameters
  std::map<std::string, const Parameter*> betas;
  for (const Parameter& parameter : store.parameters()) {
    if (parameter.group == ParameterGroup::coefficients && parameter.name.ends_with(second)) {
      betas[parameter.name.substr(0, parameter.name.size() - second.size())] = &parameter;
    }
  }
  const auto value_of = [](const Parameter& p) { return p.variable.value().values<double>()[0]; };
  std::vector<CurveShape> shapes;
  for (const Parameter& alpha : store.parameters()) {
    if (!alpha.name.ends_with(first)) continue;
    const std::string layer = alpha.name.substr(0, alpha.name.size() - first.size());
    const auto beta = betas.find(layer);
    if (beta == betas.end()) continue;  // DyT and Derf have one slope
    const Curve<double> curve = curve_of({value_of(alpha), value_of(*beta->second), positive});
    shapes.push_back({layer, is_gate(layer), curve.s, 1 / curve.inv_w});
  }
  return shapes;
}

}  // namespace salu
