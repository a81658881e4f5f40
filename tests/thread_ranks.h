// SPDX-License-Identifier: MIT
/// Ranks for tests: threads of one process that exchange through memory.
#pragma once

#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "train/ranks/communicator.h"

namespace salu::test {

/// Where the threads meet: what each rank brought to the n-th joint call.
class MeetingPoint {
 public:
  explicit MeetingPoint(int ranks) : ranks_(ranks) {}
  int ranks() const { return ranks_; }

  void bring(std::int64_t call, int rank, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    calls_[call].resize(static_cast<std::size_t>(ranks_));
    calls_[call][static_cast<std::size_t>(rank)].assign(bytes.begin(), bytes.end());
    ++arrived_[call];
    changed_.notify_all();
  }
  bool complete(std::int64_t call) {
    const std::lock_guard lock(mutex_);
    return arrived_[call] == ranks_;
  }
  std::vector<std::vector<std::byte>> wait(std::int64_t call) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_[call] == ranks_; });
    return calls_[call];
  }

 private:
  const int ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, std::vector<std::vector<std::byte>>> calls_;
  std::map<std::int64_t, int> arrived_;
};

class ThreadRank : public Communicator {
 public:
  ThreadRank(MeetingPoint& point, int rank) : point_(point), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return point_.ranks(); }

  std::unique_ptr<Sum> start_sum(std::span<float> values) override {
    point_.bring(++call_, rank_, std::as_bytes(values));
    return std::make_unique<ThreadSum>(point_, call_, values);
  }
  void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override {
    point_.bring(++call_, rank_, mine);
    for (const auto& part : point_.wait(call_)) {
      std::copy(part.begin(), part.end(), all.begin());
      all = all.subspan(part.size());
    }
  }

 private:
  struct ThreadSum : Sum {
    ThreadSum(MeetingPoint& p, std::int64_t c, std::span<float> v) : point(p), call(c), values(v) {}
    bool done() override { return point.complete(call); }
    void wait() override {
      std::fill(values.begin(), values.end(), 0.0f);
      for (const auto& part : point.wait(call)) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          float value;
          std::memcpy(&value, part.data() + i * sizeof value, sizeof value);
          values[i] += value;
        }
      }
    }
    MeetingPoint& point;
    std::int64_t call;
    std::span<float> values;
  };

  MeetingPoint& point_;
  const int rank_;
  std::int64_t call_ = 0;
};

/// Runs `body` as so many ranks and waits for all of them.
inline void as_ranks(int ranks, const std::function<void(Communicator&)>& body) {
  MeetingPoint point(ranks);
  std::vector<std::jthread> threads;
  for (int r = 0; r < ranks; ++r) {
    threads.emplace_back([&, r] {
      ThreadRank rank(point, r);
      body(rank);
    });
  }
}

}  // namespace salu::test
