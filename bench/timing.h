// SPDX-License-Identifier: MIT
/// Timing for the benches: interleaved repeats, median and spread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace salu::bench {

struct Timed {
  std::string name;
  std::function<void()> body;
  std::vector<double> seconds = {};

  double median() const { return quantile(0.5); }
  double quantile(double q) const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5)];
  }
};

/// Runs the bodies in turn (A B C A B C …), once to warm up and `repeats` times on the clock, so that a drift
/// of the machine's speed meets all of them alike.
inline void time_interleaved(std::vector<Timed>& all, int repeats) {
  for (int i = -1; i < repeats; ++i) {
    for (Timed& t : all) {
      const auto start = std::chrono::steady_clock::now();
      t.body();
      const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (i >= 0) t.seconds.push_back(s);
    }
  }
}

}  // namespace salu::bench
