// SPDX-License-Identifier: MIT
#include <cmath>

#include "autograd/functions.h"
#include "core/ops/batch_inputs.h"
#include "tests/catch.h"
#include "tests/compare.h"

namespace salu::test {
namespace {

Tensor labels(std::vector<std::int64_t> v) { return Tensor::from({static_cast<std::int64_t>(v.size())}, v); }

TEST_CASE("labels become rows of targets") {
  const Tensor plain = smoothed_targets(labels({2, 0}), 3, 0, SmoothingKind::uniform);
  CHECK(plain.shape() == Shape{2, 3});
  CHECK(plain.values<float>() == std::vector<float>{0, 0, 1, 1, 0, 0});
  CHECK(smoothed_targets(labels({2, 0}), 3, 0, SmoothingKind::wrong_classes).values<float>() ==
        plain.values<float>());
  CHECK(smoothed_targets(labels({1}), 4, 0.1, SmoothingKind::uniform).values<float>() ==
        std::vector<float>{0.025f, 0.925f, 0.025f, 0.025f});
  CHECK(smoothed_targets(labels({1}), 5, 0.1, SmoothingKind::wrong_classes).values<float>() ==
        std::vector<float>{0.025f, 0.9f, 0.025f, 0.025f, 0.025f});
  CHECK(smoothed_targets(labels({}), 3, 0.1, SmoothingKind::uniform).shape() == Shape{0, 3});
  CHECK(smoothed_targets(labels({0}), 1, 0, SmoothingKind::wrong_classes).item() == 1);
  CHECK(smoothed_targets(labels({0}), 1, 0.1, SmoothingKind::uniform).item() == 1);
}

TEST_CASE("bad labels and bad smoothing are refused") {
  std::vector<std::int64_t> many(5000, 3);
  many[4711] = 37;
  CHECK(error_of([&] { smoothed_targets(labels(many), 10, 0.1, SmoothingKind::uniform); }) ==
        "3: [targets] expected labels in 0..9, got 37 at 4711");
  CHECK(error_of([] {
          smoothed_targets(labels({0, 10}), 10, 0, SmoothingKind::uniform);
        }) == "3: [targets] expected labels in 0..9, got 10 at 1");
  CHECK(error_of([] { smoothed_targets(labels({-1}), 10, 0, SmoothingKind::uniform); }) ==
        "3: [targets] expected labels in 0..9, got -1 at 0");
  CHECK(error_of([] { smoothed_targets(labels({0}), 0, 0, SmoothingKind::uniform); }) ==
        "1: [targets] expected at least one class, got 0");
  for (const double smoothing : {1.0, -0.1, std::nan("")}) {
    CHECK(error_of([=] { smoothed_targets(labels({0}), 2, smoothing, SmoothingKind::uniform); }) ==
          fmt::format("1: [targets] expected smoothing in [0,1), got {}", smoothing));
  }
  CHECK(error_of([] { smoothed_targets(labels({0}), 1, 0.1, SmoothingKind::wrong_classes); }) ==
        "1: [targets] expected 2 classes or more for smoothing 0.1, got 1");
  CHECK(error_of([] {
          smoothed_targets(labels({0, 1}).view({2, 1}), 2, 0, SmoothingKind::uniform);
        }) == "1: [targets] expected labels (B), got (2,1)");
  CHECK(contains(error_of([] { smoothed_targets(Tensor::zeros({2}), 2, 0, SmoothingKind::uniform); }),
                 "expected dtype i64, got f32"));
}

TEST_CASE("cross entropy has its known values") {
  // Equal logits: ln K, whatever the targets of sum 1.
  const Variable even(Tensor::full({4, 10}, 3), true);
  const Variable loss =
      cross_entropy(even, smoothed_targets(labels({1, 9, 0, 5}), 10, 0.1, SmoothingKind::uniform));
  CHECK(std::abs(loss.value().item() - std::log(10.0)) < 1e-6);
  backward(loss);
  CHECK(std::abs(even.grad().values<double>()[1] - (0.1 - 0.91) / 4) < 1e-7);
  CHECK(std::abs(even.grad().values<double>()[0] - (0.1 - 0.01) / 4) < 1e-7);
  // Two classes: ln(1 + e^-d) for a margin d; no loss of digits where the loss is small.
  const Tensor margin = Tensor::from({1, 2}, std::vector<float>{7.5f, -7.5f});
  const Tensor target = smoothed_targets(labels({0}), 2, 0, SmoothingKind::uniform);
  const double small = cross_entropy(Variable(margin), target).value().item();
  CHECK(std::abs(small - std::log1p(std::exp(-15.0))) < 1e-6 * 3.1e-7);
}

TEST_CASE("a class that is masked by -inf takes no part; a NaN logit is not hidden") {
  const Tensor target = smoothed_targets(labels({0}), 3, 0, SmoothingKind::uniform);
  const Variable masked(Tensor::from({1, 3}, std::vector<float>{1, 1, -INFINITY}), true);
  const Variable loss = cross_entropy(masked, target);
  CHECK(std::abs(loss.value().item() - std::log(2.0)) < 1e-6);
  backward(loss);
  CHECK(masked.grad().values<float>() == std::vector<float>{-0.5f, 0.5f, 0});
  for (std::size_t at = 0; at < 3; ++at) {
    std::vector<float> x = {1, 1, 1};
    x[at] = NAN;
    CHECK(std::isnan(cross_entropy(Variable(Tensor::from({1, 3}, x)), target).value().item()));
  }
}

}  // namespace
}  // namespace salu::test
