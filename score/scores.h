// SPDX-License-Identifier: MIT
/// Precision, recall and F1 from a confusion matrix.
#pragma once

#include "train/evaluator.h"

namespace salu {

/// Of one class, or averaged; 0 to 1. A class that was never predicted has precision 0, one without pictures
/// recall 0.
struct Scores {
  double precision = 0, recall = 0, f1 = 0;
};

enum class Average {
  macro,     ///< plain mean over the classes that occur, as truth or as prediction
  micro,     ///< over all pictures: all three are the accuracy
  weighted,  ///< mean weighted by the pictures of a class
};
inline constexpr std::pair<const char*, Average> kAverages[] = {
    {"macro", Average::macro}, {"micro", Average::micro}, {"weighted", Average::weighted}};
const char* name_of(Average average);

std::vector<Scores> class_scores(const EvalResult& result);
Scores averaged_scores(const EvalResult& result, Average average);

}  // namespace salu
