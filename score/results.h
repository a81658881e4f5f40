// SPDX-License-Identifier: MIT
/// The results of saluevaluate: rows as text, JSON and CSV, and the files of --report.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "score/evaluate.h"

namespace salu {

/// All rows as a table, best first.
std::string result_table(std::vector<ScoredWeights> scored, bool show_average);
/// Top-1 of each class.
std::string class_table(const ScoredWeights& scored);
/// An object for one row, else an array.
nlohmann::json results_json(const std::vector<ScoredWeights>& scored);
/// Columns in timm's order, then ours.
std::string results_csv(const std::vector<ScoredWeights>& scored);

/// A CSV field, quoted when it contains a comma, a quote or a line break.
std::string csv_field(const std::string& text);

/// Columns: class, images, correct, top1, precision, recall, f1.
std::string per_class_csv(const EvalResult& result, const std::vector<std::string>& class_names);
/// Counts: a row per true class, a column per predicted one; names as first row and column.
std::string confusion_csv(const EvalResult& result, const std::vector<std::string>& class_names);
/// Bins of confidence with their number of images, accuracy and mean confidence.
std::string calibration_csv(const EvalResult& result);

/// Writes per_class.csv, confusion.csv, confusion.svg and calibration.csv; creates the folder.
void write_report(const std::filesystem::path& folder, const EvalResult& result,
                  const std::vector<std::string>& class_names, const std::string& title);

}  // namespace salu
