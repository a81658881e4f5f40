// SPDX-License-Identifier: MIT
/// TCP for messages of one fixed size, as far as RankWatch needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace salu {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() { close(); }
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close();

  /// False when the other side is gone. What does not fit into the connection's buffer is dropped: the other
  /// side has stopped reading.
  bool send(std::span<const std::byte> message) const;
  /// What has arrived, up to the size of `into`, without waiting; nothing when the other side is gone.
  std::optional<std::size_t> receive(std::span<std::byte> into) const;
  /// Waits for all of `into`; false when it does not come in time.
  bool receive_all(std::span<std::byte> into, double seconds) const;

 private:
  int fd_ = -1;
};

/// A socket that others can connect to, on a port of the system's choice. Throws ErrorCode::distributed.
struct Listener {
  Socket socket;
  std::uint16_t port;
};
Listener listen_anywhere();
/// The next connection; closed when none comes in time.
Socket accept_within(const Socket& listener, double seconds);
/// Throws ErrorCode::distributed naming host and port.
Socket connect_to(const std::string& host, std::uint16_t port, double seconds);

}  // namespace salu
