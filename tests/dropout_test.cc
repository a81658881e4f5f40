// SPDX-License-Identifier: MIT
#include <cmath>

#include "autograd/functions.h"
#include "core/ops/drop.h"
#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

constexpr RandomKey kKey{11, Purpose::dropout, 2, 4};

/// Is number i of the stream at least p?
bool kept(std::int64_t i, double p) {
  return (kKey.block(static_cast<std::uint32_t>(i / 4))[static_cast<std::size_t>(i % 4)] >> 8) / 16777216.0 >=
         p;
}

TEST_CASE("masks of several chunks are those of the generator, forward and backward") {
  constexpr std::int64_t kRows = 1361, kColumns = 33;
  const Shape shape{kRows, kColumns};
  for (const double p : {0.1, 0.5}) {
    Tensor by_element = Tensor::zeros(shape), by_sample = Tensor::zeros(shape);
    for (std::int64_t i = 0; i < kRows * kColumns; ++i) {
      if (kept(i, p)) by_element.data<float>()[i] = static_cast<float>(1 / (1 - p));
      if (kept(i / kColumns, p)) by_sample.data<float>()[i] = static_cast<float>(1 / (1 - p));
    }
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      const Variable x(Tensor::full(shape, 3), true);
      const Variable y = dropout(x, p, kKey);
      Tensor expected = by_element.clone();
      for (std::int64_t i = 0; i < expected.numel(); ++i) expected.data<float>()[i] *= 3;
      CHECK(compare_bits(y.value(), expected) == "");
      backward(y, Tensor::full(shape, 1));
      CHECK(compare_bits(x.grad(), by_element) == "");
      const Variable x2(Tensor::full(shape, 1), true);
      const Variable z2 = drop_path(x2, p, kKey);
      CHECK(compare_bits(z2.value(), by_sample) == "");
      backward(z2, Tensor::full(shape, 1));
      CHECK(compare_bits(x2.grad(), by_sample) == "");
    }
    set_num_threads(0);
    double sum = 0;
    for (const double v : by_element.values<double>()) sum += v;
    const double n = kRows * kColumns;
    CHECK(std::abs(sum / n - 1) < 4 * std::sqrt(p / (1 - p) / n));  // the mean survives
  }
}

TEST_CASE("p = 0 is the identity and records nothing") {
  const Variable x(Tensor::full({5, 3}, 2), true);
  CHECK(dropout(x, 0, kKey).node() == x.node());
  CHECK(drop_path(x, 0, kKey).node() == x.node());
  CHECK(dropout_forward(x.value(), 0, kKey).shares_storage(x.value()));
  CHECK(drop_path_forward(x.value(), 0, kKey).shares_storage(x.value()));
}

TEST_CASE("another step, another layer or another seed drops other elements") {
  const Tensor x = Tensor::full({1000}, 1);
  const Tensor first = dropout_forward(x, 0.5, kKey);
  CHECK(compare_bits(dropout_forward(x, 0.5, kKey), first) == "");
  for (const RandomKey& key : {RandomKey{11, Purpose::dropout, 3, 4}, RandomKey{11, Purpose::dropout, 2, 5},
                               RandomKey{12, Purpose::dropout, 2, 4}}) {
    const auto a = first.values<float>(), b = dropout_forward(x, 0.5, key).values<float>();
    int same = 0;
    for (std::size_t i = 0; i < a.size(); ++i) same += a[i] == b[i];
    CHECK(std::abs(same - 500) < 4 * std::sqrt(250));
  }
}

TEST_CASE("what is dropped is 0, even where it was infinite or NaN") {
  const Tensor x = Tensor::full({200}, NAN), y = dropout_forward(x, 0.5, kKey),
               z = drop_path_forward(x, 0.5, kKey);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    CHECK(std::isnan(y.data<float>()[i]) == kept(i, 0.5));
    CHECK((y.data<float>()[i] == 0) != kept(i, 0.5));
    CHECK((z.data<float>()[i] == 0) != kept(i, 0.5));
  }
}

}  // namespace
}  // namespace salu::test
