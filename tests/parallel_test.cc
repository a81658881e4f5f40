// SPDX-License-Identifier: MIT
#include "core/parallel.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "core/rng.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

using Chunks = std::set<std::pair<std::int64_t, std::int64_t>>;

/// Restores the default, whatever happens in the test.
struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(0); }
};

Chunks chunks_of(std::int64_t n, std::int64_t grain) {
  Chunks seen;
  std::mutex mutex;
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::scoped_lock lock(mutex);
    CHECK(seen.emplace(begin, end).second);
  });
  return seen;
}

TEST_CASE("the chunks are those of n and grain, with any number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads guard(threads);
    CHECK(chunks_of(0, 4).empty());
    CHECK(chunks_of(1, 4) == Chunks{{0, 1}});
    CHECK(chunks_of(4, 4) == Chunks{{0, 4}});
    CHECK(chunks_of(5, 4) == Chunks{{0, 4}, {4, 5}});
    CHECK(chunks_of(13, 4) == Chunks{{0, 4}, {4, 8}, {8, 12}, {12, 13}});
    CHECK(chunks_of(3, 1) == Chunks{{0, 1}, {1, 2}, {2, 3}});
  }
}

TEST_CASE("an exception of a body reaches the caller") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads guard(threads);
    const auto broken = [](std::int64_t begin, std::int64_t) {
      if (begin == 30) fail(ErrorCode::data, "chunk {} is broken", begin);
    };
    CHECK(error_of([&] { parallel_for(100, 10, broken); }) == "3: chunk 30 is broken");
    const auto most_broken = [](std::int64_t begin, std::int64_t) {
      if (begin >= 20) fail(ErrorCode::data, "chunk {} is broken", begin);
    };
    CHECK(error_of([&] { parallel_for(100, 10, most_broken); }) == "3: chunk 20 is broken");
    const auto foreign = [](std::int64_t, std::int64_t) { throw std::runtime_error("broken"); };
    CHECK_THROWS_AS(parallel_for(100, 10, foreign), std::runtime_error);
    CHECK(chunks_of(100, 10).size() == 10);  // and the next loop runs as usual
  }
}

TEST_CASE("parallel_sum gives the same bits with 1, 2, 3 and 8 threads") {
  Rng rng({1, Purpose::test, 0, 0});
  std::vector<float> values(100003);
  for (float& v : values) v = static_cast<float>(rng.normal() * std::exp(3 * rng.normal()));
  const auto sum = [&](std::int64_t grain) {
    return parallel_sum<float>(static_cast<std::int64_t>(values.size()), grain,
                               [&](std::int64_t begin, std::int64_t end) {
                                 float s = 0;
                                 for (std::int64_t i = begin; i < end; ++i)
                                   s += values[static_cast<std::size_t>(i)];
                                 return s;
                               });
  };
  for (const std::int64_t grain : {7, 1000, 16384}) {
    float expected = 0;  // chunk by chunk
    for (std::size_t begin = 0; begin < values.size(); begin += static_cast<std::size_t>(grain)) {
      float s = 0;
      for (std::size_t i = begin; i < std::min(begin + static_cast<std::size_t>(grain), values.size()); ++i)
        s += values[i];
      expected += s;
    }
    for (const int threads : {1, 2, 3, 8}) {
      const Threads guard(threads);
      const float got = sum(grain);
      CHECK(std::memcmp(&got, &expected, sizeof got) == 0);
    }
  }
  CHECK(sum(7) != sum(16384));  // the order matters for these numbers, so the test can fail
  CHECK(parallel_sum<double>(0, 10, [](std::int64_t, std::int64_t) { return 1.0; }) == 0);
}

TEST_CASE("a loop inside a loop runs on the thread it is on") {
  const Threads guard(3);
  std::atomic<int> bodies{0};
  CHECK(!in_parallel());
  parallel_for(6, 1, [&](std::int64_t, std::int64_t) {
    const bool inside = in_parallel();
    std::set<std::int64_t> begins;  // not guarded: only this thread may write
    parallel_for(5, 1, [&](std::int64_t begin, std::int64_t) {
      begins.insert(begin);
      if (inside) ++bodies;
    });
    if (begins.size() != 5) bodies = -1000;
  });
  CHECK(bodies == 30);
  CHECK(!in_parallel());
}

/// The sum of 0 .. n-1, one chunk for each number.
std::int64_t sum_below(std::int64_t n) {
  return parallel_sum<std::int64_t>(n, 1, [](std::int64_t begin, std::int64_t) { return begin; });
}

TEST_CASE("a thread in a slow chunk leaves the other chunks to others") {
  const Threads guard(2);
  for (const std::int64_t slow : {0, 7, 99}) {
    std::atomic<int> others{0};
    bool waited = false;
    parallel_for(100, 1, [&](std::int64_t begin, std::int64_t) {
      if (begin != slow) return static_cast<void>(++others);
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (others < 99 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      waited = others == 99;
    });
    CHECK(waited);
    CHECK(others == 99);
  }
}

TEST_CASE("no more threads than asked for, whatever was asked for before") {
  std::mutex mutex;
  for (int loop = 0; loop < 300; ++loop) {
    const int threads = 1 + loop * loop % 5;
    const Threads guard(threads);
    for (int again = 0; again < 3; ++again) {
      std::set<std::thread::id> seen;
      parallel_for(20, 1, [&](std::int64_t, std::int64_t) {
        const std::scoped_lock lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
      CHECK(static_cast<int>(seen.size()) <= threads);
      CHECK(sum_below(100) == 4950);
    }
  }
}

TEST_CASE("helpers that fell asleep come back") {
  const Threads guard(3);
  for (int loop = 0; loop < 20; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> begun{0};
    parallel_for(3, 1, [&](std::int64_t, std::int64_t) {  // each chunk needs a thread
      ++begun;
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (begun < 3 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      if (begun < 3) begun = -1000;
    });
    CHECK(begun == 3);
  }
}

TEST_CASE("several threads may run loops at once") {
  const Threads guard(3);
  std::atomic<int> right{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      for (std::int64_t n = 1; n <= 500; ++n) right += sum_below(n + i) == (n + i) * (n + i - 1) / 2;
    });
  }
  callers.clear();
  CHECK(right == 2000);
}

TEST_CASE("loops run in the child of a fork, which has no helpers") {
  const Threads guard(3);
  CHECK(sum_below(100) == 4950);  // starts the helpers
  const pid_t child = ::fork();
  if (child == 0) ::_exit(sum_below(1000) == 499500 && sum_below(100) == 4950 ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(sum_below(100) == 4950);
}

TEST_CASE("the number of threads is set, defaulted and checked") {
  const Threads guard(3);
  CHECK(num_threads() == 3);
  CHECK(error_of([] { set_num_threads(-1); }) == "2: --threads: -1 is not a whole number >= 0");
  CHECK(num_threads() == 3);
  set_num_threads(0);
  CHECK(num_threads() >= 1);
}

}  // namespace
}  // namespace salu::test
