// SPDX-License-Identifier: MIT
/// TensorBoard events against the bytes of the format, and the events that a resume keeps.
#include "run/event_log.h"

#include <cstring>
#include <limits>

#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const TempFolder& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const fs::path& path) { return read_text(path, ErrorCode::internal); }

/// A clock that stands still.
EventLog::Clock at(double seconds) {
  return [seconds] { return seconds; };
}

/// Bit by bit, from the definition: polynomial 0x1edc6f41, reflected.
std::uint32_t plain_crc(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

std::string masked(const std::string& bytes) {
  const std::uint32_t crc = plain_crc(bytes), value = (crc >> 15 | crc << 17) + 0xa282ead8u;
  std::string out(4, '\0');
  std::memcpy(out.data(), &value, 4);
  return out;
}

std::string record(const std::string& event) {
  std::string length(8, '\0');
  length[0] = static_cast<char>(event.size());  // all events of this file are short
  return length + masked(length) + event + masked(event);
}

// 1.5 as a little-endian double.
const std::string kTime("\0\0\0\0\0\0\xf8\x3f", 8);
const std::string kVersion = record("\x09" + kTime + "\x1a\x0d" + "brain.Event:2");
/// One scalar: wall time, step as a varint, summary with one value of tag and float bits.
std::string scalar(const std::string& step, const std::string& tag, const std::string& bits) {
  const std::string value = "\x0a" + std::string(1, static_cast<char>(tag.size())) + tag + "\x15" + bits;
  const std::string summary = "\x0a" + std::string(1, static_cast<char>(value.size())) + value;
  return record("\x09" + kTime + "\x10" + step + "\x2a" + std::string(1, static_cast<char>(summary.size())) +
                summary);
}
const std::string kHalf("\0\0\0\x3f", 4);

TEST_CASE("events have the bytes of the format") {
  // The head of every file that TensorFlow writes: 24 bytes follow.
  CHECK(kVersion.substr(0, 12) == std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12));
  TempFolder folder;
  EventLog log(folder.path(), {}, quick_files(), at(1.5));
  CHECK(files_of(folder).empty());  // a run that resumes at its end leaves nothing behind
  log.write(5, {{"a/b", 0.5}});
  log.write(300, {{"a/b", 0.5}});
  REQUIRE(files_of(folder).size() == 1);
  CHECK(files_of(folder)[0].filename() == "events.out.tfevents.0000000001.salunet");
  CHECK(text_of(files_of(folder)[0]) ==
        kVersion + scalar("\x05", "a/b", kHalf) + scalar("\xac\x02", "a/b", kHalf));
  log.write(300, {{"nan", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(text_of(files_of(folder)[0]).size() > kVersion.size());
}

TEST_CASE("a resume keeps the events up to its step, whatever a crash left") {
  const std::string five = scalar("\x05", "x", kHalf), nine = scalar("\x09", "x", kHalf);
  const std::string whole = kVersion + five + nine;
  const auto resumed = [&](const std::string& text, std::int64_t step) {
    TempFolder folder;
    put(folder / "events.out.tfevents.0000000001.salunet", text);
    EventLog log(folder.path(), step, quick_files(), at(1.5));
    return files_of(folder).empty() ? "" : text_of(files_of(folder)[0]);
  };
  CHECK(resumed(whole, 9) == whole);
  CHECK(resumed(whole, 8) == kVersion + five);
  CHECK(resumed(whole, 5) == kVersion + five);
  CHECK(resumed(whole, 4) == "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string kept = size >= kVersion.size() + five.size() ? kVersion + five : "";
    INFO(size);
    CHECK(resumed(whole.substr(0, size), 100) == kept);
    std::string damaged = whole;
    damaged[size] = static_cast<char>(damaged[size] ^ 0x10);
    CHECK(resumed(damaged, 100) == kept);
  }
}

TEST_CASE("the file of a resume comes last, and the earlier one stays as it is") {
  TempFolder folder;
  EventLog first(folder.path(), {}, quick_files(), at(1.5));
  first.write(5, {{"x", 0.5}});
  const std::string before = text_of(files_of(folder)[0]);
  EventLog second(folder.path(), 5, quick_files(), at(1.5));  // within the same second
  second.write(9, {{"x", 0.5}});
  REQUIRE(files_of(folder).size() == 2);
  CHECK(text_of(files_of(folder)[0]) == before);
  CHECK(files_of(folder)[1].filename() == "events.out.tfevents.0000000002.salunet");
  CHECK(text_of(files_of(folder)[1]) == kVersion + scalar("\x09", "x", kHalf));
  EventLog third(folder.path(), {}, quick_files(), at(1.5));  // not resumed: begins anew
  CHECK(files_of(folder).empty());
}

}  // namespace
}  // namespace salu::test
