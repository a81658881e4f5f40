// SPDX-License-Identifier: MIT
#include "run/run_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "run/environment.h"
#include "tests/catch.h"
#include "tests/checkpoint_samples.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

std::string open_error(const RunFolderOptions& options, FileOps& ops = quick_files()) {
  return error_of([&] { RunFolder folder(options, ops); });
}

std::string names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

TEST_CASE("a new run folder is made with its parents, locked, and left clean") {
  TempFolder root;
  const fs::path path = root / "a" / "b" / "";  // with a slash at the end
  {
    RunFolder run({.dir = path}, quick_files());
    CHECK(fs::is_directory(root / "a" / "b"));
    CHECK(read_text(root / "a" / "b" / ".salunet", ErrorCode::internal) ==
          fmt::format("{} {}\n", ::getpid(), host_name()));
    CHECK(names_in(root / "a" / "b") == ".salunet ");
  }
  CHECK(names_in(root / "a" / "b") == ".salunet ");
  CHECK(read_text(root / "a" / "b" / ".salunet", ErrorCode::internal) == "");
  CHECK(open_error({.dir = path}) == "no error");  // an empty folder will do
}

/// A run without `.salunet`, as they were made before there was one.
void make_old_run(const fs::path& folder) {
  put(folder / "config.toml", "lr=1\n");
  add_start(folder / "environment.json", {{"salunet", "1"}}, false, quick_files());
}

TEST_CASE("a folder with something in it needs a flag") {
  TempFolder root;
  put(root / "it's" / "notes.txt", "mine");
  CHECK(open_error({.dir = root / "it's"}) ==
        fmt::format("2: {}: is not empty (no checkpoint in it); expected a new or an empty folder. Give "
                    "--output another name",
                    (root / "it's").string()));
  make_old_run(root / "it's");
  CHECK(open_error({.dir = root / "it's"}).ends_with("expected a new or an empty folder. Use --overwrite"));
  CheckpointStore(root / "it's", quick_files()).save("epoch-0012", sample_checkpoint(12), true);
  const std::string error = open_error({.dir = root / "it's"});
  CHECK(contains(error, "is not empty (newest checkpoint: epoch-0012)"));
  CHECK(error.ends_with(fmt::format("Use --resume '{}/it'\\''s' or --overwrite", root.path().string())));
  CHECK(!fs::exists(root / "it's" / ".salunet"));
  CHECK(open_error({.dir = root / "it's", .resume = true}) == "no error");
  CHECK(names_in(root / "it's") == ".salunet best checkpoints config.toml environment.json last notes.txt ");
}

TEST_CASE("overwriting deletes the files of a run, and none of others") {
  for (const bool old : {false, true}) {
    TempFolder root;
    const fs::path run = root / "run";
    if (old) {
      make_old_run(run);
    } else {
      CHECK(open_error({.dir = run}) == "no error");
    }
    CheckpointStore store(run, quick_files());
    store.save("step-00000004", sample_checkpoint(1), true);
    store.save("epoch-0012", sample_checkpoint(12), true);
    for (const char* file : {"metrics.csv", "log.txt", "report.html.tmp", "checkpoints/.tmp-epoch-0013/x",
                             "notes.txt", ".hidden/deep/file"}) {
      put(run / file, "");
    }
    put(root / "elsewhere" / "mine", "mine");
    fs::create_symlink(root / "elsewhere", run / "link");
    CHECK(open_error({.dir = run, .overwrite = true}) == "no error");
    CHECK(names_in(run) == ".hidden .salunet link notes.txt ");
    CHECK(fs::exists(run / ".hidden" / "deep" / "file"));
    CHECK(fs::exists(root / "elsewhere" / "mine"));
  }
}

TEST_CASE("a run that is in use is not overwritten") {
  TempFolder root;
  const RunFolder first({.dir = root / "run"}, quick_files());
  put(root / "run" / "metrics.csv", "mine");
  CHECK(contains(open_error({.dir = root / "run", .overwrite = true}), "in use by process"));
  CHECK(names_in(root / "run") == ".salunet metrics.csv ");
}

TEST_CASE("what is no run is not overwritten") {
  TempFolder root;
  const fs::path mine = root / "mine";
  const auto refused = [&] {
    const std::string error = open_error({.dir = mine, .overwrite = true});
    CHECK(error ==
          fmt::format("2: {}: is not empty (no checkpoint in it); expected a new or an empty folder, or "
                      "a run to --overwrite. Give --output another name",
                      mine.string()));
  };
  put(mine / "log.txt", "mine");
  refused();
  put(mine / "config.toml", "mine");
  refused();
  put(mine / "environment.json", "{\"mine\": 1}");
  refused();
  put(mine / ".lock", "");
  put(mine / "checkpoints" / "epoch-0001" / "weights", "mine");
  refused();
  CHECK(names_in(mine) == ".lock checkpoints config.toml environment.json log.txt ");
}

TEST_CASE("a run that was killed on its way to the first step is overwritten") {
  TempFolder root;
  const fs::path run = root / "run";
  for (const char* file :
       {"log.txt", "config.toml.tmp", "config.toml", "environment.json.tmp", "metrics.csv"}) {
    put(run / ".salunet", "");
    put(run / file, "");
    CHECK(open_error({.dir = run}).starts_with("2: "));
    CHECK(open_error({.dir = run, .overwrite = true}) == "no error");
    CHECK(names_in(run) == ".salunet ");
  }
}

TEST_CASE("what is no folder, or not there to resume") {
  TempFolder root;
  put(root / "file", "x");
  CHECK(contains(open_error({.dir = root / "file"}), "2: " + (root / "file").string() + ": is a file"));
  CHECK(open_error({.dir = root / "file" / "run"}).starts_with("5: "));
  CHECK(contains(open_error({.dir = root / "absent", .resume = true}), "2: "));
  CHECK(contains(open_error({.dir = root / "absent", .resume = true}), "absent: no such run folder"));
  CHECK(!fs::exists(root / "absent"));
}

TEST_CASE("default names tell when, what and at which size, and never meet") {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  CHECK(run_name(1785579300, "resnet20", 32) == "20260801-101500-resnet20-32");
  TempFolder root;
  const fs::path before = fs::current_path();
  fs::current_path(root.path());
  {
    RunFolder a({.model = "m", .image_size = 8}, quick_files());
    RunFolder b({.model = "m", .image_size = 8}, quick_files());
    CHECK(a.path() != b.path());
    CHECK(a.path().parent_path() == "runs");
  }
  fs::current_path(before);
}

TEST_CASE("one process per run folder") {
  TempFolder root;
  const RunFolderOptions options{.dir = root / "run", .resume = true};
  fs::create_directories(root / "run");
  {
    RunFolder first(options, quick_files());
    const std::string error = open_error(options);
    CHECK(error.starts_with("5: "));
    CHECK(contains(error, fmt::format("in use by process {} on {}", ::getpid(), host_name())));
    CHECK(fs::exists(root / "run" / ".salunet"));
  }
  CHECK(open_error(options) == "no error");
}

TEST_CASE("the lock of a killed process is taken over") {
  TempFolder root;
  fs::create_directories(root / "run");
  const pid_t child = ::fork();
  if (child == 0) {
    RunFolder run({.dir = root / "run"}, quick_files());
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(read_text(root / "run" / ".salunet", ErrorCode::internal) ==
        fmt::format("{} {}\n", child, host_name()));
  CHECK(open_error({.dir = root / "run"}) == "no error");
}

TEST_CASE("the lock of another host is taken over where the kernel says that it is free") {
  TempFolder root;
  put(root / "run" / ".salunet", "4711 some-other-host\n");
  const RunFolder folder({.dir = root / "run"});
  REQUIRE(folder.notes().size() == 1);
  CHECK(
      contains(folder.notes()[0], "the lock of process 4711 on some-other-host was free and is taken over"));
  put(root / "other" / ".salunet", "");
  CHECK(RunFolder({.dir = root / "other"}).notes().empty());
}

/// Refuses new files, as a read-only or forbidden folder does, or their contents, as a full disk does.
class SickDisk : public FileOps {
 public:
  SickDisk(int open_error, int write_error) : open_error_(open_error), write_error_(write_error) {}

 protected:
  int sys_open(const Path& path, int flags) override {
    return open_error_ && (flags & O_CREAT) ? -open_error_ : FileOps::sys_open(path, flags);
  }
  ssize_t sys_write(int fd, std::span<const std::byte> bytes) override {
    return write_error_ ? -write_error_ : FileOps::sys_write(fd, bytes);
  }

 private:
  int open_error_, write_error_;
};

TEST_CASE("a folder that cannot be written to shows before the first step") {
  TempFolder root;
  SickDisk read_only(EROFS, 0), full(0, ENOSPC), quota(0, EDQUOT);
  CHECK(contains(open_error({.dir = root / "a"}, read_only), ".probe: cannot open: Read-only file system"));
  CHECK(contains(open_error({.dir = root / "b"}, full), ".probe: cannot write: No space left on device"));
  CHECK(contains(open_error({.dir = root / "c"}, quota), ".probe: cannot write: Disk quota exceeded"));
  CHECK(open_error({.dir = root / "a"}, read_only).starts_with("5: "));
  for (const char* name : {"a", "b", "c"}) CHECK(names_in(root / name) == ".salunet ");
}

TEST_CASE("room for two checkpoints is asked for") {
  TempFolder root;
  const RunFolder run({.dir = root / "run"}, quick_files());
  CHECK(error_of([&] { run.require_space(3'000'001); }) == "no error");
  CHECK(names_in(root / "run") == ".salunet ");
  const std::string error = error_of([&] { run.require_space(std::uint64_t{1} << 62); });
  CHECK(error.starts_with("5: "));
  CHECK(contains(error, "expected room for two checkpoints of 4,611,686,018,427,387,904 bytes"));
}

}  // namespace
}  // namespace salu::test
