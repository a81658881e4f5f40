// SPDX-License-Identifier: MIT
#include "core/rng.h"

#include <algorithm>
#include <map>
#include <vector>

#include "tests/catch.h"

namespace salu::test {
namespace {

TEST_CASE("Philox4x32-10 gives the published known answers") {
  // Random123, file kat_vectors.
  static_assert(philox4x32({0, 0, 0, 0}, 0, 0) ==
                PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0, 0, 0, 0}, 0, 0) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, ones, ones) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a key maps onto counter and key words, and a stream reads its blocks in order") {
  const RandomKey key{0x123456789abcdef0, Purpose::mixing, 7, 9};
  CHECK(key.block(3) ==
        philox4x32({3, 9, 7, static_cast<std::uint32_t>(Purpose::mixing)}, 0x9abcdef0, 0x12345678));
  Rng rng(key);
  for (std::uint32_t i = 0; i < 23; ++i) CHECK(rng.next() == key.block(i / 4)[i % 4]);
}

TEST_CASE("streams of different keys never share a block") {
  std::map<PhiloxBlock, int> seen;
  const auto collect = [&](RandomKey key) {
    for (std::uint32_t position = 0; position < 500; ++position) ++seen[key.block(position)];
  };
  std::size_t streams = 0;
  for (std::uint32_t purpose = 1; purpose <= static_cast<std::uint32_t>(Purpose::test); ++purpose) {
    collect({1, static_cast<Purpose>(purpose), 2, 3});
    ++streams;
  }
  for (const RandomKey& key :
       {RandomKey{2, Purpose::init, 2, 3}, RandomKey{1ull + (1ull << 32), Purpose::init, 2, 3},
        RandomKey{1, Purpose::init, 3, 3}, RandomKey{1, Purpose::init, 3, 2},
        RandomKey{1, Purpose::init, 2, 3, 1}, RandomKey{1, Purpose::init, 2, 3, (1u << 24) - 1}}) {
    collect(key);
    ++streams;
  }
  CHECK(seen.size() == 500 * streams);
}

TEST_CASE("uniform numbers lie in [0,1) and fill it evenly") {
  CHECK(to_uniform(0) == 0.0f);
  CHECK(to_uniform(255) == 0.0f);
  CHECK(to_uniform(256) == 0x1p-24f);
  CHECK(to_uniform(0xffffffff) == 1.0f - 0x1p-24f);
  Rng rng({5, Purpose::test, 0, 0});
  std::vector<double> bins(16);
  constexpr int kDraws = 160000;
  for (int i = 0; i < kDraws; ++i) bins[static_cast<std::size_t>(rng.uniform() * 16)] += 1;
  double chi_square = 0;
  for (const double count : bins) chi_square += (count - 10000) * (count - 10000) / 10000;
  CHECK(chi_square < 37.7);  // 15 degrees of freedom: exceeded once in 1000
  CHECK(chi_square > 3.5);   // and too even once in 1000
  for (int i = 0; i < 1000; ++i) {
    const double v = rng.uniform(-2.0, 3.0);
    CHECK((v >= -2 && v < 3));
  }
}

TEST_CASE("normal numbers have the moments of N(0,1)") {
  Rng rng({6, Purpose::test, 0, 0});
  constexpr int kDraws = 400000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double v = rng.normal();
    m1 += v;
    m2 += v * v;
    m3 += v * v * v;
    m4 += v * v * v * v;
  }
  // Four standard errors: sqrt(1, 2, 15, 96 / n).
  const double error = 4 / std::sqrt(double{kDraws});
  CHECK(std::abs(m1 / kDraws) < error);
  CHECK(std::abs(m2 / kDraws - 1) < error * std::sqrt(2.0));
  CHECK(std::abs(m3 / kDraws) < error * std::sqrt(15.0));
  CHECK(std::abs(m4 / kDraws - 3) < error * std::sqrt(96.0));
}

TEST_CASE("below(n) reaches every value under n and no other") {
  Rng rng({7, Purpose::test, 0, 0});
  for (const std::uint32_t n : {1u, 2u, 7u, 10u}) {
    std::vector<int> count(n);
    for (int i = 0; i < 10000; ++i) {
      const std::uint32_t v = rng.below(n);
      REQUIRE(v < n);
      ++count[v];
    }
    for (const int c : count) CHECK(std::abs(c - 10000.0 / n) < 5 * std::sqrt(10000.0 / n));
  }
  for (int i = 0; i < 1000; ++i) CHECK(rng.below(0xffffffff) < 0xffffffff);
}

TEST_CASE("chance(p) happens p of the time, never at 0, always at 1") {
  Rng rng({8, Purpose::test, 0, 0});
  int hits = 0;
  for (int i = 0; i < 40000; ++i) hits += rng.chance(0.25);
  CHECK(std::abs(hits - 10000) < 4 * std::sqrt(40000 * 0.25 * 0.75));
  for (int i = 0; i < 1000; ++i) CHECK((!rng.chance(0) && rng.chance(1)));
}

}  // namespace
}  // namespace salu::test
