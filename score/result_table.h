// SPDX-License-Identifier: MIT
/// The rows of saluevaluate as text, JSON and CSV.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "score/evaluate.h"

namespace salu {

/// All rows, best first.
std::string result_table(std::vector<ScoredWeights> scored, bool show_average);
/// Top-1 of each class.
std::string class_table(const ScoredWeights& scored);
/// An object for one row, else an array.
nlohmann::json results_json(const std::vector<ScoredWeights>& scored);
/// timm's columns first.
std::string results_csv(const std::vector<ScoredWeights>& scored);

}  // namespace salu
