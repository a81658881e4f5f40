// SPDX-License-Identifier: MIT
/// Notices that a rank has ended or fallen silent, whatever this rank is busy with.
///
/// A thread of every rank sends a beat once a second over TCP, through rank 0. An end is seen at once,
/// because the kernel closes the connections of a process that dies; silence (a stopped process, a lost
/// machine) after the time-out.
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "train/ranks/awake_clock.h"
#include "train/ranks/communicator.h"
#include "train/ranks/socket.h"

namespace salu {

class RankWatch {
 public:
  /// Gets "rank 1: its process ended" or "rank 1: no sign of life for 60 s". Called by the watch's thread, at
  /// most once, a moment after the finding: an error that all ranks meet is better told by each itself.
  using OnLost = std::function<void(const std::string& what)>;

  /// All ranks at the same time. Throws ErrorCode::distributed when they cannot be reached.
  RankWatch(Communicator& ranks, double timeout_seconds, OnLost on_lost);
  ~RankWatch();

  void count_call() { ++calls_; }  ///< this rank has come to one more joint call
  /// Of the other ranks the one that has come to the fewest joint calls.
  int slowest() const;
  void stop_reporting();  ///< from now on ranks may end

 private:
  struct Beat {
    enum Kind : std::uint32_t { alive, ended, silent } kind;
    std::uint32_t rank;
    std::int64_t calls;
  };
  struct Peer {
    Socket socket;
    int rank;
    std::vector<std::byte> unread;  // part of a beat
  };

  void accept_all(const Socket& listener, std::uint64_t token);
  void watch(const std::stop_token& stop);
  void read(Peer& peer);
  void take(const Beat& beat);
  void send(const Beat& beat);
  void lose(int rank, Beat::Kind kind);
  void look_for_silence(double now);
  void report(const std::stop_token& stop) const;

  const int rank_;
  const double timeout_;
  const OnLost on_lost_;
  std::atomic<std::int64_t> calls_ = 0;
  std::atomic<bool> reporting_ = true;
  AwakeClock clock_;
  double now_ = 0;
  std::vector<Peer> peers_;             // rank 0: all others; another: rank 0
  std::vector<double> heard_;           // when, by rank
  int lost_ = -1;                       // the first rank that was lost …
  Beat::Kind how_ = Beat::alive;        // … and how
  mutable std::mutex mutex_;            // guards the one below
  std::vector<std::int64_t> calls_of_;  // by rank
  std::jthread thread_;                 // last: it ends before what it uses does
};

}  // namespace salu
