// SPDX-License-Identifier: MIT
#include "run/commit.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/crc32c.h"

namespace salu {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string hex(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

/// The last line: a checksum of everything before it.
std::string seal(std::string_view body) {
  return fmt::format("\"crc32c\": \"{}\"\n}}\n", hex(crc32c(std::as_bytes(std::span(body)))));
}

std::optional<FileDigest> parse_digest(const Json& value) {
  const auto size = value.find("size"), crc = value.find("crc32c");
  if (size == value.end() || !size->is_number_unsigned() || crc == value.end() || !crc->is_string())
    return {};
  FileDigest digest{size->get<std::uint64_t>(), 0};
  const std::string& text = crc->get_ref<const std::string&>();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), digest.crc, 16);
  if (error != std::errc{} || hex(digest.crc) != text) return {};
  return digest;
}

}  // namespace

std::string Commit::text() const {
  std::string body = fmt::format("{{\n\"format\": {},\n\"sequence\": {},\n\"files\": {{\n", format, sequence);
  const char* separator = "";
  for (const auto& [name, digest] : files) {
    body += fmt::format(R"({}{}: {{"size": {}, "crc32c": "{}"}})", separator, Json(name).dump(), digest.size,
                        hex(digest.crc));
    separator = ",\n";
  }
  body += "\n},\n";
  return body + seal(body);
}

std::optional<Commit> read_commit(const fs::path& folder) {
  std::string text;
  try {
    text = read_text(folder / "COMMIT.json", ErrorCode::checkpoint);
  } catch (const Error&) {
    return {};
  }
  const std::size_t tail = seal("").size();
  if (text.size() < tail || !text.ends_with(seal(text.substr(0, text.size() - tail)))) return {};

  const Json tree = Json::parse(text, nullptr, false);
  if (!tree.is_object()) return {};
  const auto format = tree.find("format"), sequence = tree.find("sequence"), files = tree.find("files");
  if (format == tree.end() || !format->is_number_integer()) return {};
  Commit commit{format->get<std::int64_t>(), 0, {}};
  if (commit.format > kCheckpointFormat) return commit;
  if (sequence == tree.end() || !sequence->is_number_integer()) return {};
  if (files == tree.end() || !files->is_object()) return {};
  commit.sequence = sequence->get<std::int64_t>();
  for (const auto& [name, value] : files->items()) {
    const auto digest = parse_digest(value);
    if (!digest) return {};
    commit.files[name] = *digest;
  }
  return commit;
}

bool is_complete(const fs::path& folder) {
  const auto commit = read_commit(folder);
  if (!commit || commit->format > kCheckpointFormat) return false;
  for (const auto& [name, digest] : commit->files) {
    std::error_code error;
    if (fs::file_size(folder / name, error) != digest.size || error) return false;
  }
  return true;
}

}  // namespace salu
