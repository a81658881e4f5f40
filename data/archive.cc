// SPDX-License-Identifier: MIT
#include "data/archive.h"

#include <array>
#include <fstream>
#include <string_view>

#include "core/error.h"

namespace salu {

void refuse_archive(const std::filesystem::path& path) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, const char*> kStarts[] = {{"\x1f\x8b"sv, "gzip"},
                                                                  {"PK\3\4"sv, "zip"},
                                                                  {"\xfd\x37zXZ"sv, "xz"},
                                                                  {"BZh"sv, "bzip2"},
                                                                  {"\x28\xb5\x2f\xfd"sv, "zstd"}};
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  std::array<char, 262> bytes{};
  std::ifstream(path, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view start(bytes.data(), bytes.size());
  const char* kind = start.substr(257) == "ustar" ? "tar" : nullptr;
  for (const auto& [magic, name] : kStarts) {
    if (start.starts_with(magic)) kind = name;
  }
  if (kind) {
    fail(ErrorCode::data, "{}: is a {} archive; unpack it first", escaped(path.string()), kind);
  }
}

}  // namespace salu
