// SPDX-License-Identifier: MIT
/// The header of a safetensors file: `u64 N | N bytes of JSON | data`, all little-endian.
///
/// The file may come from anywhere, so every field is checked before it is used, and nothing is allocated
/// from a number that has not been compared with the size of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace salu {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::f32;  ///< after loading
  bool half = false;         ///< stored as F16, which has no DType: loaded as f32
  Shape shape;
  std::uint64_t begin = 0, end = 0;  ///< byte offsets from the start of the data

  std::uint64_t element_bytes() const { return half ? 2 : dtype_bytes(dtype); }
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
  std::size_t data_begin = 0;  ///< offset from the start of the file
};

inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxStringBytes = 1 << 20;  ///< limit for a name or a metadata value
inline constexpr std::size_t kMaxTensors = 65'536;
inline constexpr std::size_t kMaxMetadata = 2 * kMaxTensors;
inline constexpr std::size_t kMaxNameBytes = 256;

/// 1 to 256 printable ASCII characters.
bool is_tensor_name(const std::string& name);
/// Name of a dtype in the format, such as "F32".
const char* safetensors_dtype(DType dtype);

/// Parses and checks the header of a complete file. On success the tensors are contiguous, without gaps or
/// overlap, and end with the file. Throws ErrorCode::checkpoint; `file` is the name in the message.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes,
                                           const std::string& file = "safetensors");

}  // namespace salu
