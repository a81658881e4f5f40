// SPDX-License-Identifier: MIT
#include "tests/compare.h"

#include <limits>

#include "tests/catch.h"

namespace salu::test {
namespace {

Tensor vec(std::vector<double> v) { return Tensor::from({static_cast<std::int64_t>(v.size())}, v); }

TEST_CASE("the comparator rejects what it must") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  const Tolerance loose{1e-3, 1e-3};
  CHECK(compare(vec({1, 2}), vec({1, 2}), {}) == "");
  CHECK(compare(vec({nan}), vec({nan}), loose) != "");
  CHECK(compare(vec({nan}), vec({1}), loose) != "");
  CHECK(compare(vec({1}), vec({nan}), loose) != "");
  CHECK(compare(vec({inf}), vec({inf}), loose) != "");
  CHECK(compare(vec({1}), vec({1, 1}), loose) != "");
  CHECK(compare(vec({1, 2}).view({1, 2}), vec({1, 2}), loose) != "");
  CHECK(compare(Tensor(), vec({1}), loose) != "");
  CHECK(compare(vec({1.0021}), vec({1}), loose) != "");
  CHECK(compare(vec({1.0019}), vec({1}), loose) == "");
}

TEST_CASE("the comparator names the worst element") {
  const std::string text = compare(vec({1, 5, 3}), vec({1, 2, 2.5}), {});
  CHECK(contains(text, "element 1 of 3"));
  CHECK(contains(text, "expected 2, got 5"));
}

TEST_CASE("bit comparison tells zero from minus zero, and dtypes apart") {
  CHECK(compare_bits(vec({0.0}), vec({-0.0})) != "");
  CHECK(compare_bits(vec({1.0}), vec({1.0}).to(DType::f32)) != "");
  CHECK(compare_bits(vec({1.0}), vec({1.0})) == "");
}

}  // namespace
}  // namespace salu::test
