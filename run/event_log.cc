// SPDX-License-Identifier: MIT
#include "run/event_log.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "core/crc32c.h"

namespace salu {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "records are little-endian, as this memory is");

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr std::size_t kHead = 12, kTail = 4;  // length and its checksum; checksum of the event

/// Protocol buffer wire types: a key holds the field number and one of these.
enum Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5 };
enum SummaryField { kValue = 1 };
enum ValueField { kTag = 1, kSimpleValue = 2 };

template <class T>
std::string raw(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

template <class T>
T read_raw(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// Seven bits per byte, lowest first; the eighth bit is set when more follow.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}

std::string key(int field, Wire wire) { return varint(static_cast<std::uint64_t>(field << 3 | wire)); }

std::string bytes_field(int field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(std::as_bytes(std::span(bytes))), 15) + 0xa282ead8u;
}

std::string record(std::string_view event) {
  const std::string length = raw<std::uint64_t>(event.size());
  return length + raw(masked_crc(length)) + std::string(event) + raw(masked_crc(event));
}

std::string event_of(double wall_time, std::int64_t step, const std::vector<Scalar>& scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    summary += bytes_field(kValue, bytes_field(kTag, scalar.tag) + key(kSimpleValue, kFixed32) +
                                       raw(static_cast<float>(scalar.value)));
  }
  return key(kWallTime, kFixed64) + raw(wall_time) + key(kStep, kVarint) +
         varint(static_cast<std::uint64_t>(step)) + bytes_field(kSummary, summary);
}

/// The first event in `bytes`; nothing when it is incomplete or damaged.
std::optional<std::string_view> first_event(std::string_view bytes) {
  if (bytes.size() < kHead + kTail) return {};
  const auto length = read_raw<std::uint64_t>(bytes);
  if (masked_crc(bytes.substr(0, 8)) != read_raw<std::uint32_t>(bytes.substr(8))) return {};
  if (length > bytes.size() - kHead - kTail) return {};
  const std::string_view event = bytes.substr(kHead, length);
  if (masked_crc(event) != read_raw<std::uint32_t>(bytes.substr(kHead + length))) return {};
  return event;
}

/// The step of an event made by event_of(); nothing for the version event.
std::optional<std::int64_t> step_of(std::string_view event) {
  constexpr std::size_t at = 1 + sizeof(double);
  if (event.size() <= at || event.substr(at, 1) != key(kStep, kVarint)) return {};
  std::uint64_t step = 0;
  int shift = 0;
  for (std::size_t i = at + 1; i < event.size() && shift < 64; ++i, shift += 7) {
    step |= static_cast<std::uint64_t>(event[i] & 0x7f) << shift;
    if (!(event[i] & 0x80)) break;
  }
  return static_cast<std::int64_t>(step);
}

/// Truncates a file to its intact records up to step `last`; removes a file without any.
void cut(FileOps& ops, const fs::path& path, std::int64_t last) {
  const std::string text = read_text(path, ErrorCode::environment);
  std::size_t kept = 0;
  bool holds_scalars = false;
  while (const auto event = first_event(std::string_view(text).substr(kept))) {
    const auto step = step_of(*event);
    if (step && *step > last) break;
    holds_scalars |= step.has_value();
    kept += kHead + event->size() + kTail;
  }
  if (!holds_scalars) {
    ops.remove_file(path);
  } else if (kept < text.size()) {
    replace_file(ops, path, std::string_view(text).substr(0, kept));
  }
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with(kPrefix)) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

double system_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

EventLog::EventLog(const fs::path& folder, std::optional<std::int64_t> resume_after, FileOps& ops,
                   Clock clock)
    : folder_(folder), ops_(ops), clock_(clock ? std::move(clock) : system_seconds) {
  for (const fs::path& path : event_files(folder_)) cut(ops_, path, resume_after.value_or(-1));
}

void EventLog::open() {
  // TensorBoard reads a folder's files in the order of their names, so the new one must sort last.
  auto second = static_cast<std::int64_t>(clock_());
  const std::vector<fs::path> before = event_files(folder_);
  const auto name = [&] { return folder_ / fmt::format("{}{:010}.salunet", kPrefix, second); };
  while (!before.empty() && name() <= before.back()) ++second;
  file_.emplace(ops_, name());
  file_->add(record(key(kWallTime, kFixed64) + raw(clock_()) + bytes_field(kFileVersion, "brain.Event:2")));
}

void EventLog::write(std::int64_t step, const std::vector<Scalar>& scalars) {
  if (!file_) open();
  file_->add(record(event_of(clock_(), step, scalars)));
}

}  // namespace salu
