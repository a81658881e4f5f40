// SPDX-License-Identifier: MIT
/// Steps whose loss or gradient norm is not finite. Each of them is skipped: it changes neither weights nor
/// optimizer. When they become frequent, skipping would burn hours, so the run returns to the weights of its
/// last good checkpoint, continues with the next batch of data, and halves the learning rate. The third time
/// it stops.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace salu {

/// "loss nan, gradient norm inf". A NaN is shown without sign, which depends on the processor.
std::string figures_text(double loss, double norm);

enum class NonFiniteAction { skip, go_back, stop };

/// Counters of non-finite steps. Every checkpoint holds them, so that a resumed run decides as an
/// uninterrupted one.
struct NonFinite {
  static constexpr std::int64_t kMaxInARow = 5, kMaxInWindow = 20, kWindow = 1000;
  static constexpr std::size_t kMaxReturns = 2;

  std::int64_t row = 0;  ///< consecutive non-finite steps, up to the last step
  std::vector<std::int64_t>
      recent;  ///< non-finite steps among the last kWindow and since the last return, ascending
  std::vector<std::string> seen;  ///< the cause of each return
  double lr_factor = 1;           ///< factor on the schedule's learning rate; halved at each return

  void finite_step() { row = 0; }
  /// `step` counts from 0 and increases with every call.
  NonFiniteAction bad_step(std::int64_t step, double loss, double norm);
};

}  // namespace salu
