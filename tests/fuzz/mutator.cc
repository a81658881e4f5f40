// SPDX-License-Identifier: MIT
#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <iterator>

namespace salu::fuzz {
namespace {

constexpr std::size_t kLongestInput = 16384, kLongestBlock = 256;

bool is_digit(std::uint8_t b) { return b >= '0' && b <= '9'; }

}  // namespace

Bytes Mutator::next(const std::vector<Bytes>& pool) {
  Bytes input = pool[below(pool.size())];
  for (std::size_t n = 1 + below(6); n > 0; --n) change(input, pool);
  if (input.size() > kLongestInput) input.resize(kLongestInput);
  if (target_.repair && below(2)) target_.repair(input);
  return input;
}

// What lies at the edge of a type, or of the input.
std::uint64_t Mutator::odd_number(std::size_t size) {
  constexpr std::uint64_t kEdges[] = {0,       1,          2,          7,          8,         9,
                                      127,     128,        255,        256,        257,       0x7FFF,
                                      0x8000,  0xFFFF,     0x10000,    16384,      16385,     99999,
                                      1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 32};
  switch (below(5)) {
    case 0:
      return size + below(33) - 16;
    case 1:
      return ~std::uint64_t{0} - below(17);
    case 2:
      return (std::uint64_t{1} << 63) + below(17) - 8;
    case 3:
      return below(65536);
    default:
      return kEdges[below(std::size(kEdges))];
  }
}

void Mutator::change(Bytes& b, const std::vector<Bytes>& pool) {
  switch (below(target_.words.empty() ? 9 : 12)) {
    case 0:
      return flip_bit(b);
    case 1:
      return set_byte(b);
    case 2:
    case 3:
      return set_number(b);
    case 4:
      return set_digits(b);
    case 5:
      return remove_block(b);
    case 6:
      return copy_block(b, b, below(2));
    case 7:
      return copy_block(b, pool[below(pool.size())], below(2));
    case 8:  // the end of another one, or nothing
      b.resize(position(b));
      if (const Bytes& other = pool[below(pool.size())]; below(2)) {
        b.insert(b.end(), other.begin() + static_cast<std::ptrdiff_t>(position(other)), other.end());
      }
      return;
    default:
      return write_word(b);
  }
}

void Mutator::flip_bit(Bytes& b) {
  if (!b.empty()) b[position(b)] ^= static_cast<std::uint8_t>(1u << below(8));
}

void Mutator::set_byte(Bytes& b) {
  if (!b.empty()) b[position(b)] = static_cast<std::uint8_t>(below(2) ? odd_number(b.size()) : below(256));
}

// A field of 1, 2, 4 or 8 bytes, in either order of bytes: another value, or a little more or less.
void Mutator::set_number(Bytes& b) {
  const std::size_t width = std::size_t{1} << below(4);
  if (b.size() < width) return;
  const std::size_t at = below(b.size() - width + 1);
  const bool big = below(2);
  const auto place = [&](std::size_t i) -> std::uint8_t& { return b[at + (big ? width - 1 - i : i)]; };
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{place(i)} << (8 * i);
  value = below(2) ? value + below(9) - 4 : odd_number(b.size());
  for (std::size_t i = 0; i < width; ++i) place(i) = static_cast<std::uint8_t>(value >> (8 * i));
}

// A number in decimal digits.
void Mutator::set_digits(Bytes& b) {
  if (b.empty()) return;
  const auto begin = std::find_if(b.begin() + static_cast<std::ptrdiff_t>(position(b)), b.end(), is_digit);
  const auto end = std::find_if_not(begin, b.end(), is_digit);
  if (begin == end) return;
  const std::string text = (below(8) ? "" : "-") + std::to_string(odd_number(b.size()));
  const auto at = b.erase(begin, end);
  b.insert(at, text.begin(), text.end());
}

void Mutator::write_word(Bytes& b) {
  const std::string& word = target_.words[below(target_.words.size())];
  copy_block(b, bytes_of(word), below(2));
}

void Mutator::copy_block(Bytes& b, const Bytes& from, bool insert) {
  if (from.empty()) return;
  const bool whole = from.size() <= 64 && below(2);
  const std::size_t begin = whole ? 0 : position(from);
  const std::size_t count = whole ? from.size() : 1 + below(std::min(from.size() - begin, kLongestBlock));
  const Bytes block(from.begin() + static_cast<std::ptrdiff_t>(begin),
                    from.begin() + static_cast<std::ptrdiff_t>(begin + count));
  const std::size_t at = below(b.size() + 1);
  const auto place = b.begin() + static_cast<std::ptrdiff_t>(at);
  if (insert) {
    b.insert(place, block.begin(), block.end());
  } else {
    std::copy_n(block.begin(), std::min(block.size(), b.size() - at), place);
  }
}

void Mutator::remove_block(Bytes& b) {
  if (b.empty()) return;
  const auto begin = b.begin() + static_cast<std::ptrdiff_t>(position(b));
  const auto rest = static_cast<std::size_t>(b.end() - begin);
  b.erase(begin, begin + static_cast<std::ptrdiff_t>(1 + below(std::min(rest, kLongestBlock))));
}

}  // namespace salu::fuzz
