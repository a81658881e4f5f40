// SPDX-License-Identifier: MIT
/// A 64-bit hash (FNV-1a) that names the content of a data set, so that a resumed run notices another one.
#pragma once

#include <cstdint>
#include <string_view>

namespace salu {

class Fingerprint {
 public:
  Fingerprint& add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(number >> shift));
    return *this;
  }
  /// The length goes in as well: ("ab", "c") and ("a", "bc") differ.
  Fingerprint& add(std::string_view text) {
    add(text.size());
    for (const char c : text) byte(static_cast<std::uint8_t>(c));
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3u; }

  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace salu
