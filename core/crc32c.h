// SPDX-License-Identifier: MIT
/// CRC-32C (Castagnoli): the checksum of checkpoints and of TensorBoard records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace salu {

/// CRC-32C of `bytes`; "123456789" gives 0xe3069283. `seed` is the CRC of the preceding bytes: crc32c(b,
/// crc32c(a)) is the CRC of a followed by b.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

/// crc32c() from tables only: the fallback for processors without a CRC instruction.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace salu
