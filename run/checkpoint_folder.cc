// SPDX-License-Identifier: MIT
#include "run/checkpoint_folder.h"

#include <charconv>

#include "core/crc32c.h"
#include "core/text.h"

namespace salu {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Metadata = std::map<std::string, std::string>;

constexpr const char* kModel = "model.safetensors";
constexpr const char* kConfig = "config.json";
constexpr const char* kState = "state.safetensors";
constexpr const char* kFormatKey = "salu.format";
constexpr const char* kProgressKey = "salu.progress";

/// Bytes that are not UTF-8, as in the name of a class folder, become U+FFFD.
std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json parse_json(const std::string& text, const std::string& file) {
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) fail(ErrorCode::checkpoint, "{}: not valid JSON", file);
  return value;
}

[[noreturn]] void fail_newer(const std::string& file, std::string_view format) {
  fail(ErrorCode::checkpoint, "{}: written by a newer salutrain (format {}, this build reads 1-{})", file,
       format, kCheckpointFormat);
}

/// Checks one file of a sealed folder. The size is checked before `read`, the checksum after it, because
/// `read` can name the damaged tensor.
template <class Read>
auto read_sealed(const fs::path& folder, const char* name, const Commit& commit, Read&& read) {
  const std::string file = shown(folder / name);
  const auto digest = commit.files.find(name);
  if (digest == commit.files.end()) fail(ErrorCode::checkpoint, "{}: not named in COMMIT.json", file);
  const std::vector<std::byte> bytes = read_file(folder / name, ErrorCode::checkpoint);
  const std::uint64_t expected = digest->second.size;
  if (bytes.size() != expected) {
    fail(ErrorCode::checkpoint, "{}: {}: {} of {} bytes", file,
         bytes.size() < expected ? "truncated" : "too long", grouped(bytes.size()), grouped(expected));
  }
  auto contents = read(bytes, file);
  if (crc32c(bytes) != digest->second.crc)
    fail(ErrorCode::checkpoint, "{}: checksum differs (file damaged)", file);
  return contents;
}

std::string as_text(const std::vector<std::byte>& bytes, const std::string&) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string hex(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

/// The last line: a checksum of everything before it.
std::string seal_of(std::string_view body) {
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
  return body + seal_of(body);
}

std::optional<Commit> read_commit(const fs::path& folder) {
  std::string text;
  try {
    text = read_text(folder / "COMMIT.json", ErrorCode::checkpoint);
  } catch (const Error&) {
    return {};
  }
  const std::size_t tail = seal_of("").size();
  if (text.size() < tail || !text.ends_with(seal_of(text.substr(0, text.size() - tail)))) return {};

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

void check_format(const Metadata& metadata, const std::string& file) {
  const auto format = metadata.find(kFormatKey);
  if (format == metadata.end()) return;
  const std::string& text = format->second;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1) {
    fail(ErrorCode::checkpoint, "{}: {} is '{}'; expected a number", file, kFormatKey, text.substr(0, 40));
  }
  if (number > kCheckpointFormat) fail_newer(file, text);
}

void write_checkpoint_folder(FileOps& ops, const fs::path& folder, const Checkpoint& checkpoint,
                             std::int64_t sequence) {
  const std::string format = fmt::format("{}", kCheckpointFormat);
  Commit commit{.sequence = sequence};
  ops.make_folder(folder);

  Metadata metadata = checkpoint.metadata;
  metadata[kFormatKey] = format;
  commit.files[kModel] = write_safetensors(ops, folder / kModel, checkpoint.model, metadata);

  FileWriter config(ops, folder / kConfig);
  config.write(json_text(checkpoint.config, 2) + "\n");
  commit.files[kConfig] = config.finish();

  const Metadata progress = {{kFormatKey, format}, {kProgressKey, json_text(checkpoint.progress, -1)}};
  commit.files[kState] = write_safetensors(ops, folder / kState, checkpoint.state, progress);

  FileWriter seal(ops, folder / "COMMIT.json");
  seal.write(commit.text());
  seal.finish();
  ops.sync_folder(folder);
}

Checkpoint read_checkpoint_folder(const fs::path& folder) {
  const auto commit = read_commit(folder);
  if (!commit) {
    fail(ErrorCode::checkpoint, "{}: no valid COMMIT.json: this checkpoint was not finished or is damaged",
         shown(folder));
  }
  if (commit->format > kCheckpointFormat) fail_newer(shown(folder), fmt::format("{}", commit->format));
  SafetensorsFile model = read_sealed(folder, kModel, *commit, parse_safetensors);
  SafetensorsFile state = read_sealed(folder, kState, *commit, parse_safetensors);
  check_format(model.metadata, shown(folder / kModel));
  check_format(state.metadata, shown(folder / kState));

  Checkpoint checkpoint;
  checkpoint.config = parse_json(read_sealed(folder, kConfig, *commit, as_text), shown(folder / kConfig));
  if (const auto it = state.metadata.find(kProgressKey); it != state.metadata.end()) {
    checkpoint.progress = parse_json(it->second, fmt::format("{}: {}", shown(folder / kState), kProgressKey));
  }
  checkpoint.model = std::move(model.tensors);
  checkpoint.metadata = std::move(model.metadata);
  checkpoint.state = std::move(state.tensors);
  return checkpoint;
}

Checkpoint read_plain_folder(const fs::path& folder) {
  SafetensorsFile model = read_safetensors(folder / kModel);
  check_format(model.metadata, shown(folder / kModel));
  Checkpoint checkpoint;
  if (std::error_code error; fs::exists(folder / kConfig, error)) {
    checkpoint.config =
        parse_json(read_text(folder / kConfig, ErrorCode::checkpoint), shown(folder / kConfig));
  }
  checkpoint.model = std::move(model.tensors);
  checkpoint.metadata = std::move(model.metadata);
  return checkpoint;
}

}  // namespace salu
