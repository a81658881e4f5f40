// SPDX-License-Identifier: MIT
/// The profile's times against a second clock, read just outside and just inside of it, and its calls against
/// counts by hand.
#include "core/profile.h"

#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "autograd/functions.h"
#include "core/kernel.h"
#include "run/trials.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

using Clock = std::chrono::steady_clock;
using Pass = ProfilePass;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

void fail_after(int ms) {
  sleep_ms(ms);
  fail(ErrorCode::data, "on purpose");
}

const Kernel<void(int)> nap{"nap", sleep_ms};
const Kernel<void(int)> accident{"accident", fail_after};
/// Sleeps as long by itself as in the op that it calls.
const Kernel<void(int)> nest{"nest", [](int ms) {
                               nap({}, ms);
                               sleep_ms(ms);
                             }};

ProfileRow row_of(const std::vector<ProfileRow>& rows, const std::string& op, Pass pass) {
  for (const ProfileRow& row : rows) {
    if (row.op == op && row.pass == pass) return row;
  }
  return {};
}

double sum_of(const std::vector<ProfileRow>& rows) {
  double sum = 0;
  for (const ProfileRow& row : rows) sum += row.ms;
  return sum;
}

/// The rows of `body`; checks that they add up to its time.
template <class Body>
std::vector<ProfileRow> profiled(Body&& body) {
  const Clock::time_point before = Clock::now();
  Profile profile{Device{}};
  const Clock::time_point begun = Clock::now();
  body();
  const double inside = ms_since(begun);
  const std::vector<ProfileRow> rows = profile.rows();
  const double outside = ms_since(before), sum = sum_of(rows);
  const double rounding = 1e-9 * outside;
  CHECK(sum >= inside - rounding);
  CHECK(sum <= outside + rounding);
  for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i - 1].ms >= rows[i].ms);
  return rows;
}

TEST_CASE("an op has at least its time, what lies between the ops the rest") {
  const auto rows = profiled([] {
    for (int i = 0; i < 3; ++i) nap({}, 5);
    sleep_ms(7);
  });
  REQUIRE(rows.size() == 2);
  CHECK(row_of(rows, "nap", Pass::step).calls == 3);
  CHECK(row_of(rows, "nap", Pass::step).ms >= 15);
  CHECK(row_of(rows, "rest", Pass::step).calls == 1);
  CHECK(row_of(rows, "rest", Pass::step).ms >= 7);
}

TEST_CASE("an op inside an op takes its time away from the outer one") {
  const Clock::time_point begin = Clock::now();
  const auto rows = profiled([] { nest({}, 20); });
  const ProfileRow outer = row_of(rows, "nest", Pass::step), inner = row_of(rows, "nap", Pass::step);
  CHECK((outer.calls == 1 && inner.calls == 1));
  CHECK((outer.ms >= 20 && inner.ms >= 20));
  CHECK(outer.ms + inner.ms <= ms_since(begin));
}

TEST_CASE("the same op in two passes") {
  const auto rows = profiled([] {
    const Variable x(Tensor::full({1}, 1.0), true);
    Variable y;
    {
      const ProfileScope pass(Pass::forward);
      nap({}, 3);
      y = record("nap", x.value(), {x}, [](const Tensor& dy, Gradients& gradients) {
        nap({}, 9);
        gradients.set(0, dy);
      });
    }
    backward(y);
    nap({}, 1);
  });
  const auto check = [&](Pass pass, double ms) {
    CHECK(row_of(rows, "nap", pass).calls == 1);
    CHECK(row_of(rows, "nap", pass).ms >= ms);
    CHECK(row_of(rows, "rest", pass).calls == 1);
  };
  check(Pass::forward, 3);
  check(Pass::backward, 9);
  check(Pass::step, 1);
  CHECK(row_of(rows, "fill", Pass::backward).calls == 1);  // the upstream gradient
}

TEST_CASE("an op that throws is over") {
  std::string error;
  const auto rows = profiled([&] {
    const ProfileScope pass(Pass::backward);
    error = error_of([] { accident({}, 2); });
    nap({}, 4);
    sleep_ms(30);
  });
  CHECK(error == "3: on purpose");
  CHECK(row_of(rows, "accident", Pass::backward).ms >= 2);
  CHECK(row_of(rows, "nap", Pass::backward).ms >= 4);
  CHECK(row_of(rows, "rest", Pass::backward).ms >= 30);
}

TEST_CASE("more calls than marks, and rows that are read on the way") {
  const Clock::time_point begin = Clock::now();
  const auto rows = profiled([] {
    for (int i = 0; i < 50001; ++i) nap({}, 0);
  });
  CHECK(row_of(rows, "nap", Pass::step).calls == 50001);
  Profile profile{Device{}};
  const ProfileScope scope("outer");
  nap({}, 2);
  const double first = sum_of(profile.rows());
  sleep_ms(3);
  const auto second = profile.rows();
  CHECK(first >= 2);
  CHECK(sum_of(second) >= first + 3);
  CHECK(sum_of(second) <= ms_since(begin));
  CHECK(row_of(second, "nap", Pass::step).calls == 1);
  CHECK(row_of(second, "outer", Pass::step).ms >= 3);
}

TEST_CASE("only what happens on the thread and in the life of a profile is seen") {
  nap({}, 1);
  const auto rows = profiled([] {
    std::thread([] {
      nap({}, 1);
      Profile own{Device{}};
      nap({}, 1);
      CHECK(row_of(own.rows(), "nap", Pass::step).calls == 1);
    }).join();
    CHECK(error_of([] { Profile second{Device{}}; }) ==
          "1: [profile] expected one profile per thread, got a second one");
  });
  CHECK(rows.size() == 1);
  CHECK(rows[0].op == "rest");
}

TrainConfig small(const char* model) {
  TrainConfig config;
  config.model.name = model;
  config.data.dataset = "synthetic";
  config.data.train_num_samples = 16;
  config.batch_size = 4;
  config.img_size = 8;
  config.workers = 0;
  config.step.record = false;
  return config;
}

/// Calls per step of an op in a pass.
std::map<std::pair<std::string, Pass>, double> calls_of(TrainConfig config) {
  config.resolve();
  constexpr std::int64_t kSteps = 3;
  std::map<std::pair<std::string, Pass>, double> calls;
  for (const ProfileRow& row : run_benchmark(config, kSteps, true).profile) {
    calls[{row.op, row.pass}] = static_cast<double>(row.calls) / kSteps;
  }
  return calls;
}

TEST_CASE("calls of a step follow from the network") {
  // A ResNet of 6n + 2 layers: the stem, 2 convolutions in each of 3n blocks, and the two shortcuts where the
  // image shrinks. Images take no gradient, so the stem has none to hand on.
  for (const auto& [model, n] : {std::pair{"salunet_c8", 1}, std::pair{"resnet20", 3}}) {
    INFO(model);
    const int convolutions = 1 + 2 * 3 * n + 2;
    for (const int parts : {1, 2}) {
      TrainConfig config = small(model);
      config.step.accumulate = parts;
      auto calls = calls_of(config);
      CHECK(calls[{"conv2d_forward", Pass::forward}] == parts * convolutions);
      CHECK(calls[{"conv2d_backward_weight", Pass::backward}] == parts * convolutions);
      CHECK(calls[{"conv2d_backward_data", Pass::backward}] == parts * (convolutions - 1));
      CHECK(calls[{"normalize_images", Pass::forward}] == parts);
      CHECK(calls[{"cross_entropy_forward", Pass::forward}] == parts);
      CHECK(calls[{"rest", Pass::forward}] == parts);
      CHECK(calls[{"rest", Pass::backward}] == parts);
      CHECK(calls[{"update_parameters", Pass::optimizer}] == 1);
      CHECK(calls[{"rest", Pass::optimizer}] == 1);
      CHECK(calls.count({"conv2d_forward", Pass::backward}) == 0);
    }
  }
}

TEST_CASE("calls of a step of a transformer") {
  TrainConfig config = small("salunet_t");
  config.batch_size = 2;
  auto calls = calls_of(config);
  const int depth = 7;  // qkv, projection and two of the MLP in each block; patches and classes
  CHECK(calls[{"linear_forward", Pass::forward}] == 4 * depth + 2);
  CHECK(calls[{"linear_backward_input", Pass::backward}] == 4 * depth + 1);
  CHECK(calls[{"linear_backward_weight", Pass::backward}] == 4 * depth + 2);
  CHECK(calls[{"attention_forward", Pass::forward}] == depth);
  CHECK(calls[{"attention_backward", Pass::backward}] == depth);
}

TEST_CASE("the rows of a benchmark add up to its steps") {
  TrainConfig config = small("salunet_c8");
  config.resolve();
  CHECK(run_benchmark(config, 1).profile.empty());
  // The two clocks are read some instructions apart. A busy machine may take the processor away in between,
  // but not every time.
  double least = 1;
  for (int attempt = 0; attempt < 5 && least > 0.01; ++attempt) {
    const BenchmarkResult r = run_benchmark(config, 20, true);
    double measured = 0;
    for (const double ms : r.ms) measured += ms;
    least = std::min(least, std::abs(sum_of(r.profile) - measured) / measured);
  }
  CHECK(least <= 0.01);
}

}  // namespace
}  // namespace salu::test
