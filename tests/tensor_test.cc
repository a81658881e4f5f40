// SPDX-License-Identifier: MIT
#include "core/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/kernel.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

/// 0, 1, 2, … in f32.
Tensor counted(Shape shape) {
  std::vector<float> v(static_cast<std::size_t>(shape.numel()));
  std::iota(v.begin(), v.end(), 0.0f);
  return Tensor::from(shape, v);
}

TEST_CASE("shapes: dimensions, sizes, text, errors") {
  const Shape s{8, 32, 0, 3};
  CHECK(s.rank() == 4);
  CHECK(s.numel() == 0);
  CHECK(s[0] == 8);
  CHECK(s[-1] == 3);
  CHECK(s.str() == "(8,32,0,3)");
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{}.str() == "()");
  CHECK(s.with(-2, 5) == Shape{8, 32, 5, 3});
  CHECK(s.with(-2, 5).numel() == 3840);
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(error_of([&] { s[4]; }) == "1: [shape] expected a dimension in -4..3, got 4 of (8,32,0,3)");
  CHECK(error_of([&] { s[-5]; }) == "1: [shape] expected a dimension in -4..3, got -5 of (8,32,0,3)");
  CHECK(error_of([&] { s.with(4, 1); }) == "1: [shape] expected a dimension in -4..3, got 4 of (8,32,0,3)");
  CHECK(error_of([] { Shape{1, 1, 1, 1, 1}; }) == "1: [shape] expected rank 0..4, got 5");
  CHECK(error_of([] { Shape{2, -1}; }) == "1: [shape] expected dimensions >= 0, got (2,-1)");
  CHECK(error_of([] {
          Shape{1ll << 32, 1ll << 31};
        }) == "1: [shape] (4294967296,2147483648) has more elements than 2^63");
}

TEST_CASE("a copy, a view, a slice and a narrow share storage; a clone does not") {
  Tensor t = counted({4, 3});
  CHECK(t.unique());
  Tensor copy = t, view = t.view({2, 6}), slice = t.slice(1, 3), narrow = t.narrow(5, {2, 2}),
         clone = t.clone();
  CHECK(!t.unique());
  for (const Tensor& other : {copy, view, slice, narrow}) CHECK(t.shares_storage(other));
  CHECK(!t.shares_storage(clone));
  CHECK(clone.unique());
  CHECK(slice.shape() == Shape{2, 3});
  CHECK(slice.values<float>() == std::vector<float>{3, 4, 5, 6, 7, 8});
  CHECK(narrow.values<float>() == std::vector<float>{5, 6, 7, 8});
  CHECK(slice.slice(1, 2).values<float>() == std::vector<float>{6, 7, 8});
  CHECK(slice.view({6}).narrow(4, {2}).values<float>() == std::vector<float>{7, 8});
  slice.fill(-1);
  CHECK(t.values<float>() == std::vector<float>{0, 1, 2, -1, -1, -1, -1, -1, -1, 9, 10, 11});
  CHECK(clone.values<float>() == counted({12}).values<float>());
  CHECK(narrow.clone().values<float>() == std::vector<float>{-1, -1, -1, -1});
  CHECK(t.slice(4, 4).numel() == 0);
  CHECK(Tensor::zeros({0, 3}).slice(0, 0).shape() == Shape{0, 3});
  CHECK(t.narrow(12, {0}).numel() == 0);
}

TEST_CASE("views out of range are refused") {
  const Tensor t = counted({4, 3});
  CHECK(error_of([&] { t.view({5}); }) == "1: [view] expected a shape of 12 elements for (4,3), got (5)");
  CHECK(error_of([&] { t.slice(2, 1); }) == "1: [slice] expected 0 <= begin <= end <= 4, got 2..1 of (4,3)");
  CHECK(error_of([&] { t.slice(-1, 1); }) ==
        "1: [slice] expected 0 <= begin <= end <= 4, got -1..1 of (4,3)");
  CHECK(error_of([&] { t.slice(0, 5); }) == "1: [slice] expected 0 <= begin <= end <= 4, got 0..5 of (4,3)");
  CHECK(error_of([&] { t.narrow(10, {3}); }) ==
        "1: [narrow] expected a range inside 12 elements, got 3 from 10");
  CHECK(error_of([&] { t.narrow(-1, {3}); }) ==
        "1: [narrow] expected a range inside 12 elements, got 3 from -1");
  constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();
  CHECK(contains(error_of([&] { t.narrow(far, {3}); }), "1: [narrow] expected a range inside 12 elements"));
  CHECK(contains(error_of([] { Tensor::zeros({}).slice(0, 1); }), "1: [shape]"));
}

TEST_CASE("element types are checked at every access") {
  Tensor t = counted({2});
  CHECK(error_of([&] { t.data<double>(); }) == "1: [tensor] expected dtype f64, got f32 (2)");
  CHECK(error_of([&] { std::as_const(t).data<std::int64_t>(); }) ==
        "1: [tensor] expected dtype i64, got f32 (2)");
  CHECK(error_of([] { Tensor().data<float>(); }) ==
        "1: [tensor] expected a defined tensor, got an undefined one");
  CHECK(error_of([] {
          Tensor::from({3}, std::vector<float>{1, 2});
        }) == "1: [tensor] expected 3 values for (3), got 2");
  CHECK(error_of([&] { static_cast<void>(t.item()); }) == "1: [item] expected one element, got (2)");
  CHECK(error_of([&] { t.copy_from(counted({3})); }) == "1: [copy] expected shape (2), got (3)");
  CHECK(error_of([] { dispatch_float("op", DType::u8, []<class T>() {}); }) ==
        "1: [op] expected dtype f32 or f64, got u8");
  CHECK(error_of([&] { check_like("op", t, Tensor()); }) ==
        "1: [op] expected a tensor of shape (2), got an undefined one");
  CHECK(error_of([&] { check_like("op", t, counted({2, 1})); }) == "1: [op] expected shape (2), got (2,1)");
  CHECK(error_of([&] { check_like("op", t, t.to(DType::bf16)); }) == "1: [op] expected dtype f32, got bf16");
  CHECK(error_of([&] { check_shape("op", "w", t, {3}); }) == "1: [op] expected w of shape (3), got (2)");
  CHECK(error_of([&] { check_shape("op", "w", Tensor(), {3}); }) ==
        "1: [op] expected w of shape (3), got an undefined tensor");
}

TEST_CASE("an empty kernel entry names the op and the way out") {
  const Kernel<void(int)> kernel("op_forward", [](int) {});
  CHECK(error_of([&] { kernel({DeviceType::cpu}, 1); }) == "no error");
  CHECK(error_of([&] { kernel({DeviceType::cuda}, 1); }) ==
        "2: op_forward: this build has no CUDA (configure with -Dcuda=enabled)");
}

TEST_CASE("filling, reading and conversion between all types") {
  CHECK(Tensor::full({}, 2.5).item() == 2.5);
  CHECK(Tensor::zeros({0}, DType::i64).values<double>().empty());
  for (const DType from : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8}) {
    for (const DType to : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8}) {
      Tensor t = Tensor::zeros({3}, from);
      t.slice(1, 3).fill(7);
      const Tensor converted = t.to(to);
      CHECK(converted.dtype() == to);
      CHECK(converted.bytes() == 3 * dtype_bytes(to));
      CHECK(!converted.shares_storage(t));
      CHECK(converted.values<double>() == std::vector<double>{0, 7, 7});
    }
  }
  CHECK(Tensor::from({2}, std::vector<double>{2.9, -2.9}).to(DType::i32).values<double>() ==
        std::vector<double>{2, -2});
}

TEST_CASE("bf16: every pattern survives the way through f32") {
  Tensor all = Tensor::empty({65536}, DType::bf16);
  for (std::uint32_t i = 0; i < 65536; ++i) all.data<bf16>()[i].bits = static_cast<std::uint16_t>(i);
  const Tensor back = all.to(DType::f32).to(DType::bf16);
  int wrong = 0, nans = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const std::uint16_t bits = back.data<bf16>()[i].bits;
    if ((i & 0x7fff) > 0x7f80) {
      ++nans;
      wrong += std::isnan(static_cast<float>(back.data<bf16>()[i])) ? 0 : 1;
    } else {
      wrong += bits != i;
    }
  }
  CHECK(nans == 2 * 127);
  CHECK(wrong == 0);
}

TEST_CASE("bf16: between any two neighbours, f32 rounds to the nearer, a tie to the even one") {
  int wrong = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    if ((i & 0x7fff) >= 0x7f80) continue;  // infinities and NaN
    // i is the neighbour nearer to zero, i + 1 the other one: infinity above the largest finite number.
    for (const std::uint32_t rest : {0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const std::uint32_t nearest = rest < 0x8000 ? i : rest > 0x8000 ? i + 1 : i + i % 2;
      wrong += bf16(std::bit_cast<float>(i << 16 | rest)).bits != nearest;
    }
  }
  CHECK(wrong == 0);
  CHECK(bf16(1.00390625f).bits == bf16(1.0f).bits);  // 1 + 2^-8, half a step
  CHECK(static_cast<float>(bf16(std::numeric_limits<float>::max())) ==
        std::numeric_limits<float>::infinity());
}

TEST_CASE("bf16: NaN stays NaN, also with a payload in its lower half only") {
  for (const std::uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
    const bf16 b(std::bit_cast<float>(bits));
    CHECK(std::isnan(static_cast<float>(b)));
    CHECK((b.bits >> 15) == (bits >> 31));
  }
}

}  // namespace
}  // namespace salu::test
