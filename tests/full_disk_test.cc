// SPDX-License-Identifier: MIT
/// A disk that is full for a while, or for good, under a training run.
#include <cerrno>

#include "tests/catch.h"
#include "tests/trainer_run.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

/// Has room while `full` is 0; then makes no folder and takes so many more bytes.
class FillingDisk : public QuickFiles {
 public:
  bool full = false;
  std::size_t room = 0;

 protected:
  ssize_t sys_write(int fd, std::span<const std::byte> bytes) override {
    if (!full) return QuickFiles::sys_write(fd, bytes);
    const std::size_t part = std::min(room, bytes.size());
    if (part == 0) return -ENOSPC;
    room -= part;
    return QuickFiles::sys_write(fd, bytes.first(part));
  }
};

bool has_leftovers(const fs::path& run) {
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".tmp-") || name.starts_with(".old-")) return true;
  }
  return false;
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string csv_of(const fs::path& run) { return read_text(run / "metrics.csv", ErrorCode::internal); }

TEST_CASE("a run waits two checkpoints long for room, and nothing of it is missing") {
  const TrainConfig config = small_run("salunet_c8", 1, 5);
  TempFolder folder;
  const WatchedRun want = run_watched(config, folder / "want", false);
  for (const std::size_t room : {std::size_t{0}, std::size_t{100}, std::size_t{200'000}}) {
    FillingDisk disk;
    const fs::path run = folder / fmt::format("run{}", room);
    // Full from the 15th step to the 35th: while two epochs end.
    const auto fill = [&](Batch&, std::int64_t step) {
      if (step == 15) disk.room = room;
      disk.full = step >= 15 && step < 35;
      CHECK(!has_leftovers(run));
    };
    const WatchedRun got = run_watched(config, run, false, fill, disk);
    INFO("room for " << room << " bytes");
    CHECK(got.error == "no error");
    CHECK(got.checkpoints == std::vector<std::string>{"epoch-0001", "epoch-0004", "epoch-0005"});
    CHECK(first_difference(CheckpointStore(run).load(), CheckpointStore(folder / "want").load()) == "");
    CHECK(count(csv_of(run), "\n") == 6);
    CHECK(got.rows.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) CHECK(got.rows[i].at("loss") == want.rows[i].at("loss"));
    CHECK(count(got.log,
                "cannot write: No space left on device. The newest complete checkpoint is epoch-0001. "
                "The run goes on") == 2);
    CHECK(count(got.log, "Rows wait in memory until there is room") == 1);
  }
}

TEST_CASE("three checkpoints without room end the run; the old one is intact and goes on") {
  TrainConfig config = small_run("salunet_c8", 2, 3);
  config.recovery_interval = 3;
  TempFolder folder;
  FillingDisk disk;
  const auto fill = [&](Batch&, std::int64_t step) { disk.full = step >= 7; };
  const WatchedRun run = run_watched(config, folder / "run", false, fill, disk);
  CHECK(run.error.starts_with("5: "));
  CHECK(contains(run.error,
                 "cannot write: No space left on device. The newest complete checkpoint is "
                 "step-00000006"));
  CHECK(contains(run.log, "is tried again (2 of 3)"));
  CHECK(!has_leftovers(folder / "run"));
  CHECK(CheckpointStore(folder / "run").load().progress.at("step") == 6);
  CHECK(run_watched(config, folder / "run", true).error == "no error");
  run_watched(config, folder / "want", false);
  CHECK(first_difference(CheckpointStore(folder / "run").load(), CheckpointStore(folder / "want").load()) ==
        "");
  CHECK(count(csv_of(folder / "run"), "\n") == 4);
}

TEST_CASE("the last checkpoint has no next one: it is tried twice, then the run fails") {
  const TrainConfig config = small_run("salunet_c8", 3, 2);
  TempFolder folder;
  FillingDisk disk;
  const auto fill = [&](Batch&, std::int64_t step) { disk.full = step >= 15; };
  const WatchedRun run = run_watched(config, folder / "run", false, fill, disk);
  CHECK(run.error.starts_with("5: "));
  CHECK(contains(run.error, "The newest complete checkpoint is epoch-0001"));
  CHECK(CheckpointStore(folder / "run").load().progress.at("step") == 10);
}

TEST_CASE("an epoch that could not be saved is not the best one") {
  TrainConfig config = small_run("salunet_c8", 4, 3);
  config.data.dataset = "shapes";  // has a validation split
  config.num_classes.reset();
  TempFolder folder;
  FillingDisk disk;
  const auto fill = [&](Batch&, std::int64_t step) { disk.full = step >= 15 && step < 25; };
  REQUIRE(run_watched(config, folder / "run", false, fill, disk).error == "no error");
  const CheckpointStore store(folder / "run");
  const std::int64_t best = store.load().progress.at("best_epoch");
  CHECK(best != 2);
  CHECK(fs::read_symlink(folder / "run" / "best").filename() == fmt::format("epoch-{:04}", best));
}

}  // namespace
}  // namespace salu::test
