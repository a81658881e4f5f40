// SPDX-License-Identifier: MIT
/// What a training run shows on stderr while it runs: a bar that redraws itself on a terminal, whole lines
/// everywhere else. No colours.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/file_ops.h"

namespace salu {

struct ProgressState {
  const char* phase = "epoch";  ///< "epoch", "eval", …
  std::int64_t epoch = 0, epochs = 0;
  std::int64_t batch = 0, batches = 0;  ///< batches done, and in all
  double loss = 0;
  double lr = 0;  ///< hidden when NaN
  double images_per_second = 0;
  double data_wait = 0;         ///< share of the time spent waiting for data, 0 to 1
  std::int64_t peak_bytes = 0;  ///< peak tensor memory on the device; hidden when 0
  double eta_seconds = -1;      ///< to the end of the run; unknown when negative or NaN
};

/// "epoch 3/100  batch 352/782  loss 1.2346  lr 0.1  2,345 img/s  wait 3%  eta 1:02:03
/// mem 1.21 GiB"
std::string progress_text(const ProgressState& state);
/// progress_text() with a bar, in at most `width` columns; figures that do not fit are dropped from the
/// right.
std::string progress_bar(const ProgressState& state, int width);
/// 3723 -> "1:02:03", 65 -> "1:05"; "--" when negative, not finite, or above 1,000 hours.
std::string duration_text(double seconds);

enum class ProgressStyle { automatic, bar, plain, none };
inline constexpr std::pair<const char*, ProgressStyle> kProgressStyles[] = {
    {"auto", ProgressStyle::automatic},
    {"bar", ProgressStyle::bar},
    {"plain", ProgressStyle::plain},
    {"none", ProgressStyle::none}};

/// The style to use: a bar needs a terminal that can redraw a line, whatever was asked for.
ProgressStyle resolve_style(ProgressStyle asked, bool quiet, bool is_terminal, std::string_view term);

struct ProgressOptions {
  ProgressStyle style = ProgressStyle::automatic;
  bool quiet = false;             ///< shows nothing on `out`; the log still gets every line
  double line_seconds = 10;       ///< least time between two lines of progress
  std::FILE* out = stderr;        ///< a bar needs this to be a terminal
  FileWriter* log = nullptr;      ///< log.txt: receives the lines; dropped after a write error
  std::function<double()> clock;  ///< seconds; empty: the steady clock
};

class Progress {
 public:
  explicit Progress(ProgressOptions options = {});
  /// Clears the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows the state when it is due: cheap enough to call after every batch.
  void update(const ProgressState& state);
  /// Prints a whole line, such as the result of an epoch; the bar returns with the next update.
  void line(std::string_view text);

 private:
  void clear_bar();
  void log(std::string_view text);

  ProgressOptions options_;
  ProgressStyle style_;
  double next_bar_, next_line_;
  std::size_t drawn_ = 0;  // columns of the bar on screen
};

}  // namespace salu
