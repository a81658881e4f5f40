// SPDX-License-Identifier: MIT
#include "core/parallel.h"

#include <omp.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/error.h"

namespace salu {
namespace {

std::atomic<int> threads_in_use{0};  // 0: not set yet
thread_local bool in_body = false;

/// Waits for `ready` without sleeping, for the time between two loops of a training step at most, and gives
/// the core to any other thread that wants it. To sleep and to be woken takes longer than most loops.
template <class Ready>
bool spin_until(const Ready& ready) {
  constexpr std::chrono::microseconds kLongest(50);
  const auto end = std::chrono::steady_clock::now() + kLongest;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// The threads that help a caller with its loops, one loop at a time. They hold the pool alive and are never
/// joined: they sleep at exit, and after fork() they do not exist, which a caller does not notice.
class Pool {
 public:
  explicit Pool(int helpers) : helpers_(helpers) {}

  /// Starts the helpers, or fewer when the system has no more threads.
  static std::shared_ptr<Pool> start(int helpers) {
    auto pool = std::make_shared<Pool>(helpers);
    try {
      for (int i = 0; i < helpers; ++i) std::thread([pool] { pool->help(); }).detach();
    } catch (const std::system_error&) {
    }
    return pool;
  }

  int helpers() const { return helpers_; }

  void end() {
    ended_ = true;
    ++turn_;
    turn_.notify_all();
  }

  void run(std::int64_t chunks, void (*chunk)(const void*, std::int64_t), const void* body) {
    run_ = chunk, body_ = body, chunks_ = failed_chunk_ = chunks;
    unfinished_ = chunks;
    unclaimed_ = chunks;  // from here on helpers may claim, and read the members above
    ++turn_;
    turn_.notify_one();
    in_body = true;
    work();
    in_body = false;
    if (!spin_until([&] { return unfinished_ == 0; })) {
      while (const std::int64_t n = unfinished_) unfinished_.wait(n);
    }
    if (failed_chunk_ < chunks_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  /// Claims and runs chunks until none is left. The loop ends no sooner than its claimed chunks, so a helper
  /// that is late claims nothing of the loop it came for, or a chunk of the next.
  void work() {
    for (std::int64_t left; (left = unclaimed_--) > 0;) {
      const std::int64_t chunk = chunks_ - left;
      try {
        run_(body_, chunk);
      } catch (...) {
        const std::scoped_lock lock(error_mutex_);
        if (chunk < failed_chunk_) failed_chunk_ = chunk, error_ = std::current_exception();
      }
      if (--unfinished_ == 0) unfinished_.notify_one();
    }
  }

  void help() {
    in_body = true;
    for (std::uint32_t seen = 0; !ended_; work()) {
      spin_until([&] { return turn_ != seen; });
      turn_.wait(seen);  // returns at once when the turn is another
      seen = turn_;
      if (unclaimed_ > 1) turn_.notify_one();  // each helper wakes the next
    }
  }

  const int helpers_;
  std::atomic<bool> ended_{false};
  std::atomic<std::uint32_t> turn_{0};  ///< counts the loops; helpers sleep on it
  void (*run_)(const void*, std::int64_t) = nullptr;
  const void* body_ = nullptr;
  std::int64_t chunks_ = 0;
  std::atomic<std::int64_t> unclaimed_{0};   ///< chunks that no thread has begun; negative when asked in vain
  std::atomic<std::int64_t> unfinished_{0};  ///< chunks that have not ended; the caller sleeps on it
  std::mutex error_mutex_;                   ///< guards the two below
  std::int64_t failed_chunk_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void set_num_threads(int threads) {
  if (threads < 0) fail(ErrorCode::usage, "--threads: {} is not a whole number >= 0", threads);
  threads_in_use = threads == 0 ? omp_get_num_procs() : threads;
}

int num_threads() {
  if (threads_in_use == 0) set_num_threads(0);
  return threads_in_use;
}

bool in_parallel() { return in_body; }

void run_chunks(std::int64_t chunks, void (*run)(const void*, std::int64_t), const void* body) {
  static std::mutex mutex;  // of the pool: another thread's loop may have it
  static std::shared_ptr<Pool> pool;
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) {
    for (std::int64_t c = 0; c < chunks; ++c) run(body, c);
    return;
  }
  const int helpers = num_threads() - 1;
  if (!pool || pool->helpers() != helpers) {
    if (pool) pool->end();
    pool = Pool::start(helpers);
  }
  pool->run(chunks, run, body);
}

}  // namespace salu
