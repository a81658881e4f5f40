// SPDX-License-Identifier: MIT
/// Makes inputs from inputs.
#pragma once

#include <random>

#include "tests/fuzz/fuzz.h"

namespace salu::fuzz {

/// The same seed and the same calls give the same inputs, on every machine.
class Mutator {
 public:
  Mutator(std::uint64_t seed, const Target& target) : random_(seed), target_(target) {}

  /// One to six changes to an input of `pool`; in every other case repaired.
  Bytes next(const std::vector<Bytes>& pool);

 private:
  std::size_t below(std::size_t count) { return count ? random_() % count : 0; }
  std::size_t position(const Bytes& b) { return below(b.size()); }
  std::uint64_t odd_number(std::size_t size);
  void change(Bytes& b, const std::vector<Bytes>& pool);
  void flip_bit(Bytes& b);
  void set_byte(Bytes& b);
  void set_number(Bytes& b);
  void set_digits(Bytes& b);
  void write_word(Bytes& b);
  void copy_block(Bytes& b, const Bytes& from, bool insert);
  void remove_block(Bytes& b);

  std::mt19937_64 random_;
  const Target& target_;
};

}  // namespace salu::fuzz
