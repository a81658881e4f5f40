// SPDX-License-Identifier: MIT
/// Ranks that disagree, ranks that end, and the sums of their evaluations.
#include "train/ranks/rank_checks.h"

#include <cmath>

#include "models/model.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/thread_ranks.h"

namespace salu::test {
namespace {

/// The error of every rank.
std::vector<std::string> errors_of(int ranks, const std::function<void(Communicator&)>& body) {
  std::vector<std::string> errors(static_cast<std::size_t>(ranks));
  as_ranks(ranks,
           [&](Communicator& c) { errors[static_cast<std::size_t>(c.rank())] = error_of([&] { body(c); }); });
  return errors;
}

TEST_CASE("messages of any length are gathered in the order of the ranks, and rank 0's are spread") {
  as_ranks(3, [](Communicator& c) {
    const std::string mine(static_cast<std::size_t>(c.rank() * 5), static_cast<char>('a' + c.rank()));
    const std::vector<std::string> want{"", "bbbbb", "cccccccccc"};
    if (c.gather(mine) != want) std::abort();
    if (c.gather(std::int64_t{-c.rank()}) != std::vector<std::int64_t>{0, -1, -2}) std::abort();
    int number = 7 + c.rank();
    c.broadcast(std::as_writable_bytes(std::span(&number, 1)));
    if (number != 7) std::abort();
  });
  SingleRank single;
  CHECK(single.gather("x") == std::vector<std::string>{"x"});
}

TEST_CASE("the odd ranks are those that differ from most, or from rank 0") {
  using Ranks = std::vector<int>;
  CHECK(odd_ranks({"a", "a", "a"}) == Ranks{});
  CHECK(odd_ranks({"a", "b"}) == Ranks{1});
  CHECK(odd_ranks({"a", "b", "b"}) == Ranks{0});
  CHECK(odd_ranks({"b", "a", "b", "a"}) == Ranks{1, 3});
  CHECK(odd_ranks({"a", "b", "a", "c"}) == Ranks{1, 3});
}

TEST_CASE("a rank with other settings is named, with the setting") {
  const auto errors = errors_of(3, [](Communicator& c) {
    check_agreement(c, fmt::format("program=1\n--lr={}\n--seed=4\n", c.rank() == 1 ? 0.2 : 0.1));
  });
  for (const std::string& error : errors) {
    CHECK_THAT(error, Catch::Matchers::StartsWith(
                          "7: rank 1: --lr=0.2, on rank 0 --lr=0.1; expected the same on all ranks"));
  }
  CHECK(errors_of(2, [](Communicator& c) { check_agreement(c, "same"); }) ==
        std::vector<std::string>(2, "no error"));
}

TEST_CASE("one wrong bit of one weight is found on the next comparison") {
  for (const int ranks : {2, 3}) {
    for (int odd = ranks == 2 ? 1 : 0; odd < ranks; ++odd) {
      const auto errors = errors_of(ranks, [&](Communicator& c) {
        Tensor values = Tensor::full({1000}, 0.5);
        check_weights(c, values, 100);
        if (c.rank() == odd) values.data<float>()[999] = std::nextafter(0.5f, 1.0f);
        check_weights(c, values, 200);
      });
      for (const std::string& error : errors) {
        CHECK_THAT(error,
                   Catch::Matchers::StartsWith(fmt::format(
                       "7: rank {}: the weights differ from those of rank {}", odd, odd == 0 ? 1 : 0)));
        CHECK(contains(error, "at step 200"));
      }
    }
  }
}

TEST_CASE("running statistics become rank 0's, averages too") {
  as_ranks(2, [](Communicator& c) {
    ModelConfig config;
    config.name = "resnet8";
    const auto model = make_model(config);
    Ema ema(model->store(), 0.9);
    for (Buffer& b : model->store().buffers()) b.value.fill(1 + c.rank());
    for (Tensor& b : ema.buffers()) b.fill(3 + c.rank());
    share_buffers(c, model->store(), &ema);
    for (Buffer& b : model->store().buffers()) {
      if (b.value.values<double>() != std::vector<double>(static_cast<std::size_t>(b.value.numel()), 1))
        std::abort();
    }
    for (Tensor& b : ema.buffers()) {
      if (b.values<double>().front() != 3) std::abort();
    }
  });
}

TEST_CASE("evaluations of parts add up to that of the whole") {
  const std::int64_t classes = 6, images = 40;
  Tensor logits = Tensor::empty({images, classes}), labels = Tensor::empty({images}, DType::i64);
  Rng rng({8, Purpose::test, 0, 0});
  for (std::int64_t i = 0; i < logits.numel(); ++i)
    logits.data<float>()[i] = static_cast<float>(rng.normal());
  for (std::int64_t i = 0; i < images; ++i) labels.data<std::int64_t>()[i] = rng.below(6);
  for (const bool bad : {false, true}) {
    if (bad) logits.data<float>()[3 * classes + labels.values<std::int64_t>()[3]] = NAN;
    EvalResult whole;
    count_batch(whole, logits, labels);
    as_ranks(3, [&](Communicator& c) {
      EvalResult mine;
      mine.class_samples.resize(6);  // the last rank has no image
      mine.class_correct.resize(6);
      if (c.rank() < 2)
        count_batch(mine, logits.slice(20 * c.rank(), 20 * c.rank() + 20),
                    labels.slice(20 * c.rank(), 20 * c.rank() + 20));
      const EvalResult sum = merge_results(c, mine);
      const bool same =
          sum.samples == 40 && sum.correct1 == whole.correct1 && sum.correct5 == whole.correct5 &&
          sum.class_samples == whole.class_samples && sum.class_correct == whole.class_correct &&
          confusion_matrix(sum) == confusion_matrix(whole) &&
          std::abs(calibration_error(sum) - calibration_error(whole)) < 1e-12 &&
          (bad ? std::isnan(sum.loss_sum) : std::abs(sum.loss_sum - whole.loss_sum) < 1e-12 * whole.loss_sum);
      if (!same) std::abort();
    });
  }
}

}  // namespace
}  // namespace salu::test
