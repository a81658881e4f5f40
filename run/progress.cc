// SPDX-License-Identifier: MIT
#include "run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace salu {
namespace {

constexpr double kRedrawSeconds = 0.1;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string whole_number(double value) {
  return std::isfinite(value) && value >= 0
             ? grouped(static_cast<std::uint64_t>(std::llround(std::min(value, 1e18))))
             : "--";
}

std::string memory_text(std::int64_t bytes) {
  const double mib = static_cast<double>(bytes) / (1 << 20);
  return mib < 1000 ? fmt::format("mem {:.0f} MiB", mib) : fmt::format("mem {:.2f} GiB", mib / 1024);
}

/// Loss, learning rate, speed, waiting, time left and memory, most important first.
std::vector<std::string> figures(const ProgressState& s) {
  std::vector<std::string> parts = {fmt::format("loss {:.4f}", s.loss)};
  if (!std::isnan(s.lr)) parts.push_back(fmt::format("lr {:.4g}", s.lr));
  parts.push_back(whole_number(s.images_per_second) + " img/s");
  parts.push_back("wait " + whole_number(100 * s.data_wait) + "%");
  parts.push_back("eta " + duration_text(s.eta_seconds));
  if (s.peak_bytes > 0) parts.push_back(memory_text(s.peak_bytes));
  return parts;
}

std::string epoch_text(const ProgressState& s) { return fmt::format("{} {}/{}", s.phase, s.epoch, s.epochs); }

/// Ignores failures: a closed or full stderr must not end a run.
void show(std::FILE* out, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

int terminal_width(std::FILE* out) {
  winsize size{};
  return ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string duration_text(double seconds) {
  if (!(seconds >= 0 && seconds < 3600.0 * 1000)) return "--";
  const auto s = std::llround(seconds);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string progress_text(const ProgressState& s) {
  std::string text = fmt::format("{}  batch {}/{}", epoch_text(s), s.batch, s.batches);
  for (const std::string& part : figures(s)) text += "  " + part;
  return text;
}

std::string progress_bar(const ProgressState& s, int width) {
  constexpr std::int64_t kCells = 20;
  const double share =
      s.batches > 0 ? std::clamp(static_cast<double>(s.batch) / static_cast<double>(s.batches), 0.0, 1.0)
                    : 0.0;
  std::string cells(static_cast<std::size_t>(share * kCells), '=');
  if (cells.size() < kCells) cells += '>';
  cells.resize(kCells, ' ');
  const auto room = static_cast<std::size_t>(std::max(width, 0));
  std::string text = epoch_text(s);
  for (const std::string& part : {fmt::format(" [{}]", cells), fmt::format(" {}/{}", s.batch, s.batches)}) {
    if (text.size() + part.size() <= room) text += part;
  }
  for (const std::string& part : figures(s)) {
    if (text.size() + 2 + part.size() > room) break;
    text += "  " + part;
  }
  return text.substr(0, room);
}

ProgressStyle resolve_style(ProgressStyle asked, bool quiet, bool is_terminal, std::string_view term) {
  if (quiet || asked == ProgressStyle::none) return ProgressStyle::none;
  const bool can_redraw = is_terminal && !term.empty() && term != "dumb";
  return asked != ProgressStyle::plain && can_redraw ? ProgressStyle::bar : ProgressStyle::plain;
}

Progress::Progress(ProgressOptions options) : options_(std::move(options)) {
  if (!options_.clock) options_.clock = steady_seconds;
  const char* term = std::getenv("TERM");
  style_ =
      resolve_style(options_.style, options_.quiet, ::isatty(::fileno(options_.out)) == 1, term ? term : "");
  next_bar_ = options_.clock();
  next_line_ = next_bar_ + options_.line_seconds;
}

Progress::~Progress() { clear_bar(); }

void Progress::clear_bar() {
  if (drawn_ == 0) return;
  show(options_.out, fmt::format("\r{:{}}\r", "", drawn_));
  drawn_ = 0;
}

void Progress::log(std::string_view text) {
  if (!options_.log) return;
  try {
    options_.log->write(fmt::format("{}\n", text));
  } catch (const Error& error) {
    options_.log = nullptr;
    line(fmt::format("warning: {}. The run goes on without its log", error.what()));
  }
}

void Progress::update(const ProgressState& state) {
  const double now = options_.clock();
  if (style_ == ProgressStyle::bar && now >= next_bar_) {
    const std::string text = progress_bar(state, terminal_width(options_.out) - 1);
    show(options_.out,
         fmt::format("\r{:{}}", text, drawn_));  // pads with spaces over the rest of a longer line
    drawn_ = text.size();
    next_bar_ = now + kRedrawSeconds;
  }
  if (now < next_line_) return;
  next_line_ = now + options_.line_seconds;
  if (style_ == ProgressStyle::plain) show(options_.out, progress_text(state) + "\n");
  log(progress_text(state));
}

void Progress::line(std::string_view text) {
  clear_bar();
  const std::string safe = escaped(text);
  if (!options_.quiet) show(options_.out, safe + "\n");
  log(safe);
}

}  // namespace salu
