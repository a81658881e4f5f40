// SPDX-License-Identifier: MIT
/// Reading image files: which kinds of file are accepted.
#include <sys/stat.h>

#include "data/decode.h"
#include "tests/catch.h"
#include "tests/jpeg_samples.h"

namespace salu::test {
namespace {

TEST_CASE("only regular files are read") {
  const TempDir dir;
  const auto reading = [](const std::filesystem::path& path) { return error_of([&] { read_image(path); }); };
  write_file(dir.path() / "good.jpg", jpeg::kBaseline);
  CHECK(reading(dir.path() / "good.jpg") == "no error");
  std::filesystem::create_symlink("good.jpg", dir.path() / "link.jpg");
  CHECK(reading(dir.path() / "link.jpg") == "no error");
  std::filesystem::create_symlink("loop.jpg", dir.path() / "loop.jpg");
  CHECK(contains(reading(dir.path() / "loop.jpg"), "not a regular file"));
  std::filesystem::create_directory(dir.path() / "folder.jpg");
  CHECK(contains(reading(dir.path() / "folder.jpg"), "not a regular file"));
  REQUIRE(mkfifo((dir.path() / "fifo.jpg").c_str(), 0600) == 0);
  CHECK(contains(reading(dir.path() / "fifo.jpg"), "not a regular file"));
  CHECK(contains(reading("/dev/zero"), "3: /dev/zero: not a regular file"));
  CHECK(contains(reading(dir.path() / "none.jpg"), "cannot be opened: No such file"));
  const std::string odd(251, '\xe9');
  write_file(dir.path() / (odd + ".jpg"), jpeg::kBaseline);
  CHECK(reading(dir.path() / (odd + ".jpg")) == "no error");
}

}  // namespace
}  // namespace salu::test
