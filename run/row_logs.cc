// SPDX-License-Identifier: MIT
#include "run/row_logs.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <functional>

#include "core/text.h"

namespace salu {
namespace {

namespace fs = std::filesystem;
using Key = std::optional<std::int64_t>;

/// The complete lines at the start of `text` whose key is at most `last`. Stops at the first line beyond it,
/// or at one left unfinished by a crash.
std::string kept_lines(std::string_view text, std::int64_t last,
                       const std::function<Key(std::string_view)>& key_of) {
  std::size_t kept = 0;
  for (std::size_t end; (end = text.find('\n', kept)) != text.npos; kept = end + 1) {
    const Key key = key_of(text.substr(kept, end - kept));
    if (!key || *key > last) break;
  }
  return std::string(text.substr(0, kept));
}

Key csv_key(std::string_view line) {
  std::int64_t key = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), key);
  const bool whole = error == std::errc{} && (end == line.data() + line.size() || *end == ',');
  return whole ? Key(key) : Key();
}

Key json_key(std::string_view line) {
  const auto row = nlohmann::json::parse(line, nullptr, false);
  const auto step = row.is_object() ? row.find("step") : row.end();
  return step != row.end() && step->is_number_integer() ? Key(step->get<std::int64_t>()) : Key();
}

std::string text_of(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) ? read_text(path, ErrorCode::environment) : "";
}

std::string csv_start(const fs::path& path, const std::vector<std::string>& columns, Key resume_after) {
  const std::string header = fmt::format("{}\n", fmt::join(columns, ","));
  if (!resume_after) return header;
  const std::string text = text_of(path);
  if (text.find('\n') == text.npos) return header;  // a crash before the first row
  if (!text.starts_with(header)) {
    fail(ErrorCode::usage, "{}: columns are {}; expected {}. Move the file away to resume", shown(path),
         text.substr(0, text.find('\n')), fmt::join(columns, ","));
  }
  return header + kept_lines(std::string_view(text).substr(header.size()), *resume_after, csv_key);
}

/// Gives the file its first contents. Returns `ops`, so that it can run in an initializer before the file is
/// opened for appending.
FileOps& started(FileOps& ops, const fs::path& path, const std::string& text) {
  replace_file(ops, path, text);
  return ops;
}

}  // namespace

void RowFile::add(std::string_view row) {
  waiting_ += row;
  const std::uint64_t before = file_.size();
  try {
    file_.write(waiting_);
    trouble_.clear();
  } catch (const Error& error) {
    trouble_ = error.what();
  }
  waiting_.erase(0, static_cast<std::size_t>(file_.size() - before));
}

CsvLog::CsvLog(const fs::path& path, std::vector<std::string> columns, Key resume_after, FileOps& ops)
    : columns_(columns.size()), file_(started(ops, path, csv_start(path, columns, resume_after)), path) {}

void CsvLog::row(const std::vector<double>& values) {
  check(values.size() == columns_, "[metrics] expected {} values, got {}", columns_, values.size());
  std::string line;
  for (const double value : values) {
    if (!std::isnan(value)) line += fmt::format("{:.10g}", value);
    line += ',';
  }
  line.back() = '\n';
  file_.add(line);
}

JsonLog::JsonLog(const fs::path& path, Key resume_after, FileOps& ops)
    : file_(started(ops, path, resume_after ? kept_lines(text_of(path), *resume_after, json_key) : ""),
            path) {}

void JsonLog::row(const nlohmann::json& object) {
  const std::string line = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  check(json_key(line).has_value(), "[metrics] expected an object with a whole number \"step\", got {}",
        line);
  file_.add(line + "\n");
}

}  // namespace salu
