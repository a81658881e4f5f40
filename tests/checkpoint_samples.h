// SPDX-License-Identifier: MIT
/// Small checkpoints that differ in every part, and their comparison.
#pragma once

#include <algorithm>
#include <string>

#include "run/checkpoint.h"
#include "tests/compare.h"

namespace salu::test {

inline Checkpoint sample_checkpoint(int epoch) {
  const auto e = static_cast<float>(epoch);
  Checkpoint c;
  c.model = {{"conv1.weight", Tensor::from<float>({2, 1, 3}, {e, 1, 2, 3, 4, 5})},
             {"bn1.num_batches_tracked", Tensor::from<std::int64_t>({}, {epoch})}};
  c.state = {{"optim.momentum.conv1.weight", Tensor::full({2, 1, 3}, e / 3)}};
  c.metadata = {{"salu.model", "resnet8"}, {"salu.epoch", std::to_string(epoch)}};
  c.config = {{"architecture", "resnet8"}, {"num_classes", 10 + epoch}};
  c.progress = {{"epoch", epoch}, {"best_score", 0.1 * epoch}};
  return c;
}

inline bool same_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return a.size() == b.size() && std::all_of(b.begin(), b.end(), [&](const NamedTensor& t) {
           const auto it = std::find_if(a.begin(), a.end(), [&](auto& u) { return u.name == t.name; });
           return it != a.end() && compare_bits(it->tensor, t.tensor).empty();
         });
}

/// True when `got`, as loaded, holds all of `saved`.
inline bool same_checkpoint(const Checkpoint& got, const Checkpoint& saved) {
  return same_tensors(got.model, saved.model) && same_tensors(got.state, saved.state) &&
         got.config == saved.config && got.progress == saved.progress &&
         std::all_of(saved.metadata.begin(), saved.metadata.end(), [&](const auto& item) {
           const auto it = got.metadata.find(item.first);
           return it != got.metadata.end() && it->second == item.second;
         });
}

}  // namespace salu::test
