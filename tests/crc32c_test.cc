// SPDX-License-Identifier: MIT
#include "core/crc32c.h"

#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace salu::test {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Bit by bit, from the definition.
std::uint32_t oracle(std::span<const std::byte> data) {
  std::uint32_t crc = 0xffffffff;
  for (std::byte b : data) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

TEST_CASE("crc32c: published values") {
  for (auto* crc : {crc32c, crc32c_portable}) {
    CHECK(crc(bytes(""), 0) == 0);
    CHECK(crc(bytes("123456789"), 0) == 0xe3069283);
    CHECK(crc(std::vector<std::byte>(32, std::byte{0}), 0) == 0x8a9136aa);  // RFC 3720, B.4
    CHECK(crc(std::vector<std::byte>(32, std::byte{255}), 0) == 0x62a8ab43);
  }
}

TEST_CASE("crc32c: every length and alignment, whole and in two parts") {
  std::vector<std::byte> data(80);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * i * 37 + 11 * i);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size + begin <= data.size(); ++size) {
      const auto part = std::span<const std::byte>(data).subspan(begin, size);
      const std::uint32_t want = oracle(part);
      REQUIRE(crc32c(part) == want);
      REQUIRE(crc32c_portable(part) == want);
      const auto cut = size * 2 / 3;
      REQUIRE(crc32c(part.subspan(cut), crc32c(part.first(cut))) == want);
      REQUIRE(crc32c_portable(part.subspan(cut), crc32c_portable(part.first(cut))) == want);
    }
  }
}

}  // namespace
}  // namespace salu::test
