// SPDX-License-Identifier: MIT
#include "train/ranks/rank_watch.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <random>

#include "core/error.h"
#include "core/lock_file.h"

namespace salu {
namespace {

constexpr double kBeatSeconds = 1, kGraceSeconds = 0.3;  // mpirun kills after 1 s
constexpr int kRoundMilliseconds = 100;

/// How the others reach rank 0. The token keeps strangers out who find the port.
struct Contact {
  std::uint64_t token;
  std::uint16_t port;
  std::array<char, 256> host;
};

struct Hello {
  std::uint64_t token, rank;
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <class T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

RankWatch::RankWatch(Communicator& ranks, double timeout_seconds, OnLost on_lost)
    : rank_(ranks.rank()),
      timeout_(timeout_seconds),
      on_lost_(std::move(on_lost)),
      heard_(static_cast<std::size_t>(ranks.size())),
      calls_of_(static_cast<std::size_t>(ranks.size())) {
  Contact contact{};
  Listener listener{Socket(), 0};
  if (rank_ == 0) {
    listener = listen_anywhere();
    std::random_device random;
    contact = {std::uint64_t{random()} << 32 | random(), listener.port, {}};
    host_name().copy(contact.host.data(), contact.host.size() - 1);
  }
  ranks.broadcast(bytes_of(contact));
  if (rank_ == 0) {
    accept_all(listener.socket, contact.token);
  } else {
    const bool same_host = host_name() == contact.host.data();
    Socket socket = connect_to(same_host ? "127.0.0.1" : contact.host.data(), contact.port, timeout_);
    socket.send(bytes_of(Hello{contact.token, static_cast<std::uint64_t>(rank_)}));
    peers_.push_back({std::move(socket), 0, {}});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

RankWatch::~RankWatch() = default;

void RankWatch::accept_all(const Socket& listener, std::uint64_t token) {
  AwakeClock waited;
  std::vector<bool> here(heard_.size());
  while (peers_.size() + 1 < heard_.size()) {
    if (waited.seconds() > timeout_) {
      fail(ErrorCode::distributed,
           "ranks: {} of {} connected to rank 0 in {} s; expected all. Does a firewall stand between the "
           "machines?",
           peers_.size() + 1, heard_.size(), timeout_);
    }
    Socket socket = accept_within(listener, 0.2);
    Hello hello{};
    if (!socket.is_open() || !socket.receive_all(bytes_of(hello), 1) || hello.token != token) continue;
    if (hello.rank == 0 || hello.rank >= here.size() || here[hello.rank]) continue;
    here[hello.rank] = true;
    peers_.push_back({std::move(socket), static_cast<int>(hello.rank), {}});
  }
}

int RankWatch::slowest() const {
  const std::lock_guard lock(mutex_);
  int slowest = rank_ == 0 ? 1 : 0;
  for (int r = 0; r < static_cast<int>(calls_of_.size()); ++r) {
    const auto calls = [&](int rank) { return calls_of_[static_cast<std::size_t>(rank)]; };
    if (r != rank_ && calls(r) < calls(slowest)) slowest = r;
  }
  return slowest;
}

void RankWatch::stop_reporting() { reporting_ = false; }

void RankWatch::watch(const std::stop_token& stop) {
  double next_beat = 0;
  while (!stop.stop_requested()) {
    std::vector<pollfd> entries;
    for (const Peer& peer : peers_) entries.push_back({peer.socket.fd(), POLLIN, 0});
    ::poll(entries.data(), entries.size(), kRoundMilliseconds);
    now_ = clock_.seconds();
    for (Peer& peer : peers_) read(peer);
    if (now_ >= next_beat) {
      send({Beat::alive, static_cast<std::uint32_t>(rank_), calls_});
      next_beat = now_ + std::min(kBeatSeconds, timeout_ / 4);
    }
    look_for_silence(now_);
    if (lost_ >= 0) return report(stop);
  }
}

void RankWatch::read(Peer& peer) {
  std::array<std::byte, 64 * sizeof(Beat)> buffer;
  while (peer.socket.is_open()) {
    const auto got = peer.socket.receive(buffer);
    if (!got) {
      peer.socket.close();
      lose(peer.rank, Beat::ended);
    } else if (*got == 0) {
      return;
    } else {
      peer.unread.insert(peer.unread.end(), buffer.begin(),
                         buffer.begin() + static_cast<std::ptrdiff_t>(*got));
    }
    std::size_t used = 0;
    for (; peer.unread.size() - used >= sizeof(Beat); used += sizeof(Beat)) {
      Beat beat;
      std::memcpy(&beat, peer.unread.data() + used, sizeof beat);
      take(beat);
    }
    peer.unread.erase(peer.unread.begin(), peer.unread.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

void RankWatch::take(const Beat& beat) {
  if (beat.rank >= heard_.size()) return;
  if (beat.kind != Beat::alive) return lose(static_cast<int>(beat.rank), beat.kind);
  heard_[beat.rank] = now_;
  {
    const std::lock_guard lock(mutex_);
    calls_of_[beat.rank] = beat.calls;
  }
  if (rank_ == 0) send(beat);  // its own rank hears it too, and does not mind
}

void RankWatch::send(const Beat& beat) {
  for (Peer& peer : peers_) {
    if (peer.socket.is_open()) peer.socket.send(bytes_of(beat));
  }
}

void RankWatch::lose(int rank, Beat::Kind kind) {
  if (lost_ >= 0) return;
  lost_ = rank;
  how_ = kind;
  if (rank_ == 0) send({kind, static_cast<std::uint32_t>(rank), 0});
}

void RankWatch::look_for_silence(double now) {
  // Rank 0 first: through it come the beats of all others.
  for (std::size_t r = 0; r < heard_.size(); ++r) {
    if (static_cast<int>(r) != rank_ && now - heard_[r] > timeout_)
      return lose(static_cast<int>(r), Beat::silent);
  }
}

void RankWatch::report(const std::stop_token& stop) const {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any ended;
  const auto stay = [] { return false; };
  ended.wait_for(lock, stop, std::chrono::duration<double>(kGraceSeconds), stay);
  if (stop.stop_requested() || !reporting_) return;
  on_lost_(how_ == Beat::ended ? fmt::format("rank {}: its process ended", lost_)
                               : fmt::format("rank {}: no sign of life for {} s", lost_, timeout_));
}

}  // namespace salu
