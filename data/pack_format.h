// SPDX-License-Identifier: MIT
/// The layout of a pack: a data set in one file, its pictures decoded and reduced.
///
///   "SALUPACK", u32 version                                        12 bytes
///   pixels of each picture, (H,W,3) u8, one after the other
///   a record for each picture: u64 offset, u32 height, width, label, CRC-32C of the pixels
///   index: u32 picture side of the network, f32 mean[3], std[3], text name, u32 classes, a text for each,
///   and to
///          its end the splits: text name ("train" first), u64 pictures
///   tail: u64 offset of the records, u64 offset of the index, u32 CRC-32C of records and index,
///         u32 CRC-32C of the first 12 bytes and of the tail so far, "PACKEND\n"
///
/// A text is u32 length and bytes. Numbers are little-endian. The tail is written last: a file without it is
/// not complete.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace salu::pack {

static_assert(std::endian::native == std::endian::little, "packs are read and written as they lie in memory");

struct Head {
  char magic[8] = {'S', 'A', 'L', 'U', 'P', 'A', 'C', 'K'};
  std::uint32_t version = 1;
};
static_assert(sizeof(Head) == 12);

struct Record {
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint32_t height = 0, width = 0, label = 0, crc = 0;
};
static_assert(sizeof(Record) == 24);

struct Tail {
  std::uint64_t records = 0, index = 0;  ///< offsets
  std::uint32_t index_crc = 0;           ///< of everything from `records` to the tail
  std::uint32_t crc = 0;                 ///< of the head and of the fields above
  char magic[8] = {'P', 'A', 'C', 'K', 'E', 'N', 'D', '\n'};
};
static_assert(sizeof(Tail) == 32);

/// What Tail::crc must be.
std::uint32_t seal(const Head& head, const Tail& tail);

}  // namespace salu::pack
