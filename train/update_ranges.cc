// SPDX-License-Identifier: MIT
#include "train/update_ranges.h"

#include <algorithm>
#include <cmath>

namespace salu {
namespace {

/// "layer1.0" of "layer1.0.conv1.weight": all up to the first part that is a number; "" if there is none.
std::string block_of(const std::string& name) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = name.find('.', begin);
    if (end == std::string::npos) return "";
    const std::string part = name.substr(begin, end - begin);
    if (part.find_first_not_of("0123456789") == std::string::npos) return name.substr(0, end);
    begin = end + 1;
  }
}

UpdateRange range_of(const Parameter& p, const OptimizerConfig& config, double layer_scale) {
  const bool coefficients = p.group == ParameterGroup::coefficients;
  const bool decays =
      config.weight_decay > 0 && (p.group == ParameterGroup::weights || (config.decay_all && !coefficients));
  return {p.offset,
          p.offset + p.shape.numel(),
          static_cast<float>(layer_scale * (coefficients ? config.coefficient_lr_scale : 1)),
          static_cast<float>(decays ? config.weight_decay : 0),
          static_cast<float>(coefficients ? config.coefficient_max_step : 0),
          decays && has_trust_ratios(config.kind)};
}

bool alike(const UpdateRange& a, const UpdateRange& b) {
  return a.lr_scale == b.lr_scale && a.weight_decay == b.weight_decay && a.max_step == b.max_step &&
         !a.trusts && !b.trusts;
}

}  // namespace

std::vector<int> layer_numbers(const ParameterStore& store) {
  const auto& parameters = store.parameters();
  const bool blocks = std::ranges::any_of(parameters, [](const auto& p) { return block_of(p.name) != ""; });
  std::vector<int> numbers;
  std::string block;
  int number = 0;
  for (const Parameter& p : parameters) {
    const std::string now = block_of(p.name);
    const bool matrix = p.group == ParameterGroup::weights;
    // A norm behind the last block is part of it, as in timm; the head begins with its matrix.
    if (blocks ? now != block && (matrix || now != "") : matrix && !numbers.empty()) {
      ++number;
      block = now;
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<UpdateRange> update_ranges(const ParameterStore& store, const OptimizerConfig& config) {
  const std::vector<int> layers = layer_numbers(store);
  const int last = layers.empty() ? 0 : layers.back();
  std::vector<std::pair<const Parameter*, int>> by_offset;
  for (const Parameter& p : store.parameters()) by_offset.emplace_back(&p, layers[by_offset.size()]);
  std::ranges::sort(by_offset, {}, [](const auto& entry) { return entry.first->offset; });
  std::vector<UpdateRange> ranges;
  for (const auto& [p, layer] : by_offset) {
    const UpdateRange range = range_of(*p, config, std::pow(config.layer_decay, last - layer));
    if (!ranges.empty() && alike(ranges.back(), range)) {
      ranges.back().end = range.end;  // the padding between them is zero and stays so
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

Tensor clip_units(const ParameterStore& store) {
  std::vector<const Parameter*> matrices;
  for (const Parameter& p : store.parameters()) {
    if (p.group == ParameterGroup::weights) matrices.push_back(&p);
  }
  if (!matrices.empty()) matrices.pop_back();  // the classifier is the last one
  std::vector<std::int64_t> bounds;
  for (const Parameter* p : matrices) {
    const std::int64_t length = p->shape.numel() / p->shape[0];
    for (std::int64_t row = 0; row < p->shape[0]; ++row) {
      bounds.insert(bounds.end(), {p->offset + row * length, p->offset + (row + 1) * length});
    }
  }
  return Tensor::from({static_cast<std::int64_t>(bounds.size()) / 2, 2}, bounds);
}

}  // namespace salu
