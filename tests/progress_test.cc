// SPDX-License-Identifier: MIT
#include "run/progress.h"

#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

const ProgressState kState = {.epoch = 3,
                              .epochs = 100,
                              .batch = 391,
                              .batches = 782,
                              .loss = 1.23456,
                              .lr = 0.1,
                              .images_per_second = 2345.4,
                              .data_wait = 0.034,
                              .eta_seconds = 3723};

TEST_CASE("durations") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(59.4) == "0:59");
  CHECK(duration_text(59.6) == "1:00");
  CHECK(duration_text(3599.4) == "59:59");
  CHECK(duration_text(3723) == "1:02:03");
  CHECK(duration_text(90000) == "25:00:00");
  for (double bad : {-1.0, 4e6, 1e300, double(INFINITY), double(NAN)}) CHECK(duration_text(bad) == "--");
}

TEST_CASE("the progress line") {
  CHECK(progress_text(kState) ==
        "epoch 3/100  batch 391/782  loss 1.2346  lr 0.1  2,345 img/s  wait 3%  eta 1:02:03");
  ProgressState s = kState;
  s.peak_bytes = 300 << 20;
  CHECK(progress_text(s).ends_with("  eta 1:02:03  mem 300 MiB"));
  s.peak_bytes = (std::int64_t{5} << 30) / 4;
  CHECK(progress_text(s).ends_with("  eta 1:02:03  mem 1.25 GiB"));
  s.peak_bytes = 0;
  s.phase = "eval";
  s.lr = s.images_per_second = s.data_wait = s.loss = std::numeric_limits<double>::quiet_NaN();
  s.eta_seconds = -1;
  CHECK(progress_text(s) == "eval 3/100  batch 391/782  loss nan  -- img/s  wait --%  eta --");
}

TEST_CASE("the bar fits the terminal and drops the least important first") {
  CHECK(progress_bar(kState, 200) ==
        "epoch 3/100 [==========>         ] 391/782  loss 1.2346  lr 0.1  2,345 img/s  wait 3%  eta 1:02:03");
  CHECK(progress_bar(kState, 79) ==
        "epoch 3/100 [==========>         ] 391/782  loss 1.2346  lr 0.1  2,345 img/s");
  CHECK(progress_bar(kState, 50) == "epoch 3/100 [==========>         ] 391/782");
  CHECK(progress_bar(kState, 20) == "epoch 3/100 391/782");
  CHECK(progress_bar(kState, 5) == "epoch");
  CHECK(progress_bar(kState, 0) == "");
  for (int width = 0; width < 120; ++width) CHECK(progress_bar(kState, width).size() <= std::size_t(width));
  ProgressState s = kState;
  s.batch = 0;
  CHECK(contains(progress_bar(s, 60), "[>                   ] 0/782"));
  s.batch = 782;
  CHECK(contains(progress_bar(s, 60), "[====================] 782/782"));
  s.batches = 0;
  CHECK(contains(progress_bar(s, 60), "[>                   ] 782/0"));
}

TEST_CASE("a bar needs a terminal that can redraw a line") {
  using enum ProgressStyle;
  CHECK(resolve_style(automatic, false, true, "xterm") == bar);
  CHECK(resolve_style(automatic, false, true, "dumb") == plain);
  CHECK(resolve_style(automatic, false, true, "") == plain);
  CHECK(resolve_style(automatic, false, false, "xterm") == plain);
  CHECK(resolve_style(bar, false, false, "xterm") == plain);
  CHECK(resolve_style(bar, false, true, "xterm") == bar);
  CHECK(resolve_style(plain, false, true, "xterm") == plain);
  CHECK(resolve_style(none, false, true, "xterm") == none);
  CHECK(resolve_style(bar, true, true, "xterm") == none);
}

/// The text that a Progress writes into a file, with a clock set by hand.
std::string output_of(ProgressOptions options, const std::function<void(Progress&, double& now)>& use) {
  TempFolder folder;
  std::FILE* out = std::fopen((folder / "out").c_str(), "w");
  double now = 1000;
  options.out = out;
  options.clock = [&] { return now; };
  {
    Progress progress(options);
    use(progress, now);
  }
  std::fclose(out);
  return read_text(folder / "out", ErrorCode::internal);
}

TEST_CASE("without a terminal: whole lines, at most one per interval") {
  const auto use = [](Progress& progress, double& now) {
    for (int i = 0; i <= 25; ++i) {
      progress.update(kState);
      now += 1;
    }
    progress.line("epoch 3 done");
  };
  const std::string line = progress_text(kState) + "\n";
  CHECK(output_of({.line_seconds = 10}, use) == line + line + "epoch 3 done\n");
  CHECK(output_of({.style = ProgressStyle::bar, .line_seconds = 10}, use) == line + line + "epoch 3 done\n");
  CHECK(output_of({.style = ProgressStyle::none}, use) == "epoch 3 done\n");
  CHECK(output_of({.quiet = true}, use) == "");

  TempFolder folder;
  FileWriter log(quick_files(), folder / "log.txt");
  CHECK(output_of({.quiet = true, .line_seconds = 10, .log = &log}, use) == "");
  CHECK(read_text(folder / "log.txt", ErrorCode::internal) == line + line + "epoch 3 done\n");
}

/// Writes nothing once told so.
class FullDisk : public FileOps {
 public:
  bool full = false;

 protected:
  ssize_t sys_write(int fd, std::span<const std::byte> bytes) override {
    return full ? -ENOSPC : FileOps::sys_write(fd, bytes);
  }
};

TEST_CASE("a log that cannot be written does not end the run") {
  TempFolder folder;
  FullDisk disk;
  FileWriter log(disk, folder / "log.txt");
  const std::string out = output_of({.log = &log}, [&](Progress& progress, double&) {
    progress.line("one");
    disk.full = true;
    progress.line("two");
    progress.line("three");
  });
  CHECK(out.starts_with("one\ntwo\nwarning: "));
  CHECK(out.ends_with("No space left on device. The run goes on without its log\nthree\n"));
}

TEST_CASE("on a terminal: a bar that is redrawn, and cleared for whole lines") {
  int master = -1, slave = -1;
  winsize size{};
  size.ws_col = 41;
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, &size) == 0);
  ::setenv("TERM", "xterm", 1);
  std::FILE* out = ::fdopen(slave, "w");
  double now = 0;
  ProgressState eval = kState;
  eval.phase = "e";
  {
    Progress progress({.out = out, .clock = [&] { return now; }});
    progress.update(kState);
    progress.update(kState);  // too early to redraw
    progress.line("done");
    now += 1;
    progress.update(eval);
    now += 0.05;
    progress.update(eval);
  }
  std::fclose(out);
  std::string text;  // comes in pieces, then as an error: the other side is closed
  std::array<char, 4096> piece{};
  for (ssize_t got; (got = ::read(master, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(got));
  ::close(master);
  const auto cleared = [](const ProgressState& state) {
    const std::string bar = progress_bar(state, 40);
    return fmt::format("\r{}\r{:{}}\r", bar, "", bar.size());
  };
  CHECK(text == cleared(kState) + "done\r\n" + cleared(eval));
}

}  // namespace
}  // namespace salu::test
