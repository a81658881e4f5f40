// SPDX-License-Identifier: MIT
/// The file of chosen plans: reading gives what was stored, and damaged entries do no harm.
#include <fcntl.h>

#include "cuda/library/planned_graph.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

using cuda::PlanCache;

const PlanCache::Entry kFast{"{\"engine\": 1}", 12.5}, kSlow{"\"odd\" \\ text\n", 900};

/// The text that `call` writes to stderr.
std::string stderr_of(const std::function<void()>& call) {
  const TempFolder folder;
  const int kept = ::dup(2), file = ::open((folder / "stderr").c_str(), O_CREAT | O_WRONLY, 0600);
  ::dup2(file, 2);
  call();
  std::fflush(stderr);
  ::dup2(kept, 2);
  ::close(kept);
  ::close(file);
  return read_text(folder / "stderr", ErrorCode::environment);
}

TEST_CASE("entries are found by the next process, under their own key, version and device") {
  const TempFolder folder;
  {
    PlanCache cache(folder.path(), 91900, "NVIDIA H200");
    CHECK(!cache.find("a"));
    cache.store("a", kFast);
    cache.store("b\n\"", kSlow);
    CHECK(cache.find("a") == kFast);
  }
  const PlanCache next(folder.path(), 91900, "NVIDIA H200");
  CHECK(next.find("a") == kFast);
  CHECK(next.find("b\n\"") == kSlow);
  CHECK(!next.find("c"));
  CHECK(next.file().filename() == "cudnn-91900-NVIDIA-H200.json");
  CHECK(!PlanCache(folder.path(), 91901, "NVIDIA H200").find("a"));
  CHECK(!PlanCache(folder.path(), 91900, "NVIDIA H100").find("a"));
}

TEST_CASE("two processes keep each other's entries") {
  const TempFolder folder;
  PlanCache first(folder.path(), 1, "gpu"), second(folder.path(), 1, "gpu");
  first.store("a", kFast);
  second.store("b", kSlow);
  const PlanCache next(folder.path(), 1, "gpu");
  CHECK(next.find("a") == kFast);
  CHECK(next.find("b") == kSlow);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a damaged file is said once, and replaced") {
  const TempFolder folder;
  const auto path = PlanCache(folder.path(), 1, "gpu").file();
  for (const char* damaged :
       {"", "{", "[]", "{\"format\": 2, \"plans\": {}}", "{\"format\": 1}",
        "{\"format\": 1, \"plans\": {\"a\": 3}}", "{\"format\": 1, \"plans\": {\"a\":"}) {
    put(path, damaged);
    INFO(damaged);
    const std::string said = stderr_of([&] {
      PlanCache cache(folder.path(), 1, "gpu");
      CHECK(!cache.find("a"));
      cache.store("a", kFast);
    });
    CHECK_THAT(said, Catch::Matchers::StartsWith(path.string() + ": the plan cache is damaged ("));
    CHECK(std::count(said.begin(), said.end(), '\n') == 1);
    CHECK(stderr_of([&] { CHECK(PlanCache(folder.path(), 1, "gpu").find("a") == kFast); }).empty());
  }
}

TEST_CASE("without a place to write, plans are kept in memory only") {
  const TempFolder folder;
  put(folder / "file", "");
  const std::string said = stderr_of([&] {
    PlanCache cache(folder / "file", 1, "gpu");  // a file stands where the folder should be
    cache.store("a", kFast);
    cache.store("b", kSlow);
    CHECK(cache.find("a") == kFast);
  });
  CHECK_THAT(said, Catch::Matchers::Contains("the plan cache cannot be written; plans are measured anew\n"));
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);
  PlanCache none("", 1, "gpu");
  none.store("a", kFast);
  CHECK(none.file().empty());
}

TEST_CASE("the folder follows XDG_CACHE_HOME, then HOME") {
  const auto folder = [](const char* xdg, const char* home) {
    xdg ? ::setenv("XDG_CACHE_HOME", xdg, 1) : ::unsetenv("XDG_CACHE_HOME");
    home ? ::setenv("HOME", home, 1) : ::unsetenv("HOME");
    return cuda::cache_folder();
  };
  CHECK(folder("/c", "/h") == "/c/salunet");
  CHECK(folder("relative", "/h") == "/h/.cache/salunet");  // the standard says to ignore it
  CHECK(folder("", "/h") == "/h/.cache/salunet");
  CHECK(folder(nullptr, "/h") == "/h/.cache/salunet");
  CHECK(folder(nullptr, nullptr).empty());
}

}  // namespace
}  // namespace salu::test
