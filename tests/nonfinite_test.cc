// SPDX-License-Identifier: MIT
/// Steps with a loss or gradient that is not finite: a run skips them, restores a checkpoint or stops, and
/// keeps no trace of them.
#include "train/nonfinite.h"

#include <cmath>
#include <set>

#include "tests/catch.h"
#include "tests/trainer_run.h"

namespace salu::test {
namespace {

using Steps = std::set<std::int64_t>;

TEST_CASE("the fifth in a row goes back, four do not") {
  NonFinite counters;
  for (std::int64_t step = 10; step < 14; ++step)
    CHECK(counters.bad_step(step, NAN, 1) == NonFiniteAction::skip);
  counters.finite_step();
  for (std::int64_t step = 20; step < 24; ++step)
    CHECK(counters.bad_step(step, 1, NAN) == NonFiniteAction::skip);
  CHECK(counters.lr_factor == 1);
  CHECK(counters.bad_step(24, 2.5, HUGE_VAL) == NonFiniteAction::go_back);
  CHECK(counters.lr_factor == 0.5);
  CHECK(counters.row == 0);
  CHECK(counters.recent.empty());
  CHECK(counters.seen ==
        std::vector<std::string>{"9 of the steps 11 to 25 (the last: loss 2.5, gradient norm inf)"});
}

TEST_CASE("twenty within a thousand steps go back, in a thousand and one they do not") {
  for (const std::int64_t last : {999, 1000}) {
    NonFinite counters;
    for (std::int64_t i = 0; i < 19; ++i) {
      counters.finite_step();
      CHECK(counters.bad_step(50 * i, NAN, NAN) == NonFiniteAction::skip);
    }
    counters.finite_step();
    CHECK(counters.bad_step(last, NAN, NAN) ==
          (last == 999 ? NonFiniteAction::go_back : NonFiniteAction::skip));
  }
}

TEST_CASE("the third return is a stop") {
  NonFinite counters;
  std::vector<NonFiniteAction> actions;
  for (std::int64_t step = 1; step <= 15; ++step) {
    const NonFiniteAction action = counters.bad_step(step, NAN, NAN);
    if (action != NonFiniteAction::skip) actions.push_back(action);
  }
  CHECK(actions == std::vector{NonFiniteAction::go_back, NonFiniteAction::go_back, NonFiniteAction::stop});
  CHECK(counters.lr_factor == 0.25);
  CHECK(counters.seen.size() == 3);
}

/// Makes loss or gradients of a batch not finite, in one of four ways.
void poison(Batch& batch, std::int64_t step) {
  float* targets = batch.targets.data<float>();
  switch (step % 4) {
    case 0:
      targets[step % batch.targets.numel()] = NAN;
      break;
    case 1:
      targets[step % batch.targets.numel()] = HUGE_VALF;
      break;
    case 2:
      targets[0] = -HUGE_VALF;
      targets[1] = HUGE_VALF;
      break;
    default:  // all numbers may be finite, but the squares of the gradients are not
      targets[0] = 3e38f;
      targets[1] = -3e38f;
  }
}

std::function<void(Batch&, std::int64_t)> poison_at(const Steps& bad) {
  return [&bad](Batch& batch, std::int64_t step) {
    if (bad.contains(step)) poison(batch, step);
  };
}

/// At most 19 in all and four in a row, so that they are skipped only; never the first step.
Steps scattered(std::uint64_t seed, std::int64_t steps) {
  Rng rng({seed, Purpose::test, 0, 0});
  Steps bad;
  while (bad.size() < 19) {
    const std::int64_t step = 1 + rng.below(static_cast<std::uint32_t>(steps - 1));
    bad.insert(step);
    std::int64_t first = step, last = step;
    while (bad.contains(first - 1)) --first;
    while (bad.contains(last + 1)) ++last;
    if (last - first >= 4) bad.erase(step);
  }
  return bad;
}

/// Every step below `end` that is not in `passed`, at this factor.
std::vector<TakenStep> steps_without(const Steps& passed, std::int64_t begin, std::int64_t end,
                                     double lr_factor = 1) {
  std::vector<TakenStep> taken;
  for (std::int64_t step = begin; step < end; ++step) {
    if (!passed.contains(step)) taken.push_back({step, lr_factor});
  }
  return taken;
}

std::vector<TakenStep> operator+(std::vector<TakenStep> a, const std::vector<TakenStep>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Checks that each step was applied or skipped as it should be, and that checkpoints hold finite numbers
/// only.
void check_traces(const WatchedRun& run, const Steps& bad, const std::filesystem::path& folder) {
  for (const nlohmann::json& row : run.rows) {
    const bool finite = !row.at("loss").is_null() && row.at("grad_norm").is_number() &&
                        row.at("grad_norm").get<double>() < 1e19;
    INFO("step " << row.at("step"));
    CHECK(finite == !bad.contains(row.at("step").get<std::int64_t>() - 1));
  }
  CHECK(!run.checkpoints.empty());
  for (const std::string& name : run.checkpoints) {
    CHECK(find_non_finite(CheckpointStore(folder).load(name)) == "");
  }
}

/// `runs` runs of 40 steps with 19 that are not finite in each.
void check_skipping(std::uint64_t runs) {
  std::size_t injected = 0;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    TrainConfig config = small_run(seed % 2 ? "resnet8" : "salunet_c8", seed, 4);
    config.recovery_interval = 7;
    const Steps bad = scattered(seed, 40);
    TempFolder folder;
    const WatchedRun run = run_watched(config, folder / "run", false, poison_at(bad));
    INFO("seed " << seed);
    CHECK(run.error == "no error");
    CHECK(run.rows.size() == 40);
    check_traces(run, bad, folder / "run");
    const Checkpoint want = repeat_steps(config, run.batches, steps_without(bad, 0, 40));
    CHECK(first_difference(CheckpointStore(folder / "run").load(), want) == "");
    injected += bad.size();
  }
  WARN(injected << " steps that were not finite in " << runs << " runs: no trace in checkpoints or weights");
}

TEST_CASE("skipped steps leave no trace") { check_skipping(8); }

TEST_CASE("a thousand skipped steps leave no trace", "[.][long]") { check_skipping(53); }

/// A run whose steps `bad` are not finite ends as one that takes `taken` only, also when it is stopped and
/// resumed at any of `stops`.
void check_return(TrainConfig config, const Steps& bad, const std::vector<TakenStep>& taken,
                  const std::vector<std::int64_t>& stops) {
  TempFolder folder;
  const WatchedRun whole = run_watched(config, folder / "run", false, poison_at(bad));
  REQUIRE(whole.error == "no error");
  check_traces(whole, bad, folder / "run");
  const Checkpoint got = CheckpointStore(folder / "run").load();
  CHECK(first_difference(got, repeat_steps(config, whole.batches, taken)) == "");
  CHECK(got.progress.at("lr_factor") == taken.back().lr_factor);
  CHECK(got.progress.at("step") == 10 * config.epochs);
  for (const std::int64_t stop : stops) {
    TempFolder other;
    TrainConfig first = config;
    first.max_steps = stop;
    first.checkpoint_hist = 1;  // the checkpoint to go back to is kept for all that
    REQUIRE(run_watched(first, other / "run", false, poison_at(bad)).error == "no error");
    REQUIRE(run_watched(config, other / "run", true, poison_at(bad)).error == "no error");
    INFO("stopped at step " << stop);
    const Checkpoint resumed = CheckpointStore(other / "run").load();
    CHECK(first_difference(resumed, got) == "");
    CHECK(resumed.progress == got.progress);
  }
}

TEST_CASE("five in a row: back to the last epoch, over the data since then, at half the rate") {
  const Steps bad{13, 14, 15, 16, 17};
  check_return(small_run("resnet8", 1, 4), bad, steps_without(bad, 0, 10) + steps_without(bad, 18, 40, 0.5),
               {11, 15, 18, 19});
}

TEST_CASE("a checkpoint inside the epoch is nearer") {
  const Steps bad{13, 14, 15, 16, 17};
  TrainConfig config = small_run("salunet_c8", 2, 3);
  config.recovery_interval = 4;
  check_return(config, bad, steps_without(bad, 0, 12) + steps_without(bad, 18, 30, 0.5), {14, 17});
}

TEST_CASE("twenty, never five in a row; the last one is the last step of an epoch") {
  const Steps bad{12, 13, 14, 15, 17, 18, 19, 21, 22, 23, 24, 26, 27, 28, 30, 33, 34, 36, 37, 39};
  check_return(small_run("salunet_c8", 3, 5), bad,
               steps_without(bad, 0, 30) + steps_without(bad, 40, 50, 0.5), {36});
}

TEST_CASE("two returns are survived, each halves the rate") {
  const Steps bad{11, 12, 13, 14, 15, 21, 22, 23, 24, 25};
  check_return(small_run("salunet_c8", 4, 3), bad,
               steps_without(bad, 0, 10) + steps_without(bad, 16, 20, 0.5) + steps_without(bad, 26, 30, 0.25),
               {13, 23});
}

TEST_CASE("the third return ends the run with a report") {
  Steps bad;
  for (std::int64_t step = 12; step < 40; ++step) bad.insert(step);
  TempFolder folder;
  const WatchedRun run = run_watched(small_run("salunet_c8", 5, 4), folder / "run", false, poison_at(bad));
  CHECK(run.error.starts_with(
      "6: loss or gradient norm was not finite in 5 of the steps 13 to 17 (the last: "));
  CHECK(contains(run.error, ", then in 5 of the steps 18 to 22 ("));
  CHECK(contains(run.error, ", then in 5 of the steps 23 to 27 ("));
  CHECK(contains(run.error, "Going back to a checkpoint twice did not help. Lower --lr (now "));
  CHECK(contains(run.log, "step 13 (batch 3 of epoch 2): loss "));
  CHECK(contains(run.log, "step 17: back to the weights of epoch-0001; "));
  check_traces(run, bad, folder / "run");
}

TEST_CASE("without a checkpoint, and at the first step, there is nothing to go back to") {
  TempFolder folder;
  const Steps early{4, 5, 6, 7, 8}, first{0};
  const TrainConfig config = small_run("salunet_c8", 6, 2);
  const WatchedRun run = run_watched(config, folder / "a", false, poison_at(early));
  CHECK(run.error.starts_with("6: loss or gradient norm was not finite in 5 of the steps 5 to 9 ("));
  CHECK(contains(run.error, "There is no checkpoint to go back to"));
  CHECK(run.checkpoints.empty());
  CHECK(run_watched(config, folder / "b", false, poison_at(first))
            .error.starts_with("6: loss nan, gradient norm nan at step 1: check --lr"));
}

}  // namespace
}  // namespace salu::test
