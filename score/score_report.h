// SPDX-License-Identifier: MIT
/// Files about one scored checkpoint.
#pragma once

#include <filesystem>
#include <string>

#include "score/scores.h"

namespace salu {

/// In quotes when it holds a comma, a quote or the end of a line.
std::string csv_field(const std::string& text);

/// class, pictures, correct, top1, precision, recall, f1
std::string per_class_csv(const EvalResult& result, const std::vector<std::string>& class_names);
/// A row per true class, a column per predicted one, counts; names as first row and column.
std::string confusion_csv(const EvalResult& result, const std::vector<std::string>& class_names);
/// The same as a picture: the darker a cell, the larger its share of the row. Names up to 60 classes, counts
/// up to 20.
std::string confusion_svg(const EvalResult& result, const std::vector<std::string>& class_names,
                          const std::string& title);
/// Bins of confidence with their pictures, accuracy and mean confidence.
std::string calibration_csv(const EvalResult& result);

/// Writes per_class.csv, confusion.csv, confusion.svg and calibration.csv; the folder is made.
void write_report(const std::filesystem::path& folder, const EvalResult& result,
                  const std::vector<std::string>& class_names, const std::string& title);

}  // namespace salu
