// SPDX-License-Identifier: MIT
#include "train/nonfinite.h"

#include <fmt/format.h>

#include <cmath>

namespace salu {

std::string figures_text(double loss, double norm) {
  const auto plain = [](double value) { return std::isnan(value) ? std::abs(value) : value; };
  return fmt::format("loss {}, gradient norm {}", plain(loss), plain(norm));
}

NonFiniteAction NonFinite::bad_step(std::int64_t step, double loss, double norm) {
  ++row;
  std::erase_if(recent, [&](std::int64_t earlier) { return earlier <= step - kWindow; });
  recent.push_back(step);
  const auto in_window = static_cast<std::int64_t>(recent.size());
  if (row < kMaxInARow && in_window < kMaxInWindow) return NonFiniteAction::skip;
  seen.push_back(fmt::format("{} of the steps {} to {} (the last: {})", in_window, recent.front() + 1,
                             step + 1, figures_text(loss, norm)));
  row = 0;
  recent.clear();
  if (seen.size() > kMaxReturns) return NonFiniteAction::stop;
  lr_factor /= 2;
  return NonFiniteAction::go_back;
}

}  // namespace salu
