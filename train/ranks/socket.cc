// SPDX-License-Identifier: MIT
#include "train/ranks/socket.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "core/error.h"

namespace salu {
namespace {

bool wait_for(int fd, double seconds) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(1000 * seconds)) == 1;
}

[[noreturn]] void fail_with_errno(const std::string& what) {
  fail(ErrorCode::distributed, "{}: {}", what, std::generic_category().message(errno));
}

Socket tcp_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) fail_with_errno("ranks: cannot open a socket");
  return socket;
}

}  // namespace

void Socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Socket::send(std::span<const std::byte> message) const {
  const ssize_t sent = ::send(fd_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(message.size()) || (sent < 0 && (errno == EAGAIN || errno == EINTR));
}

std::optional<std::size_t> Socket::receive(std::span<std::byte> into) const {
  const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return std::nullopt;
}

bool Socket::receive_all(std::span<std::byte> into, double seconds) const {
  while (!into.empty()) {
    if (!wait_for(fd_, seconds)) return false;
    const auto got = receive(into);
    if (!got) return false;
    into = into.subspan(*got);
  }
  return true;
}

Listener listen_anywhere() {
  Listener out{tcp_socket(), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(out.socket.fd(), generic, size) != 0 || ::listen(out.socket.fd(), SOMAXCONN) != 0 ||
      ::getsockname(out.socket.fd(), generic, &size) != 0) {
    fail_with_errno("ranks: cannot listen for the other ranks");
  }
  out.port = ntohs(address.sin_port);
  return out;
}

Socket accept_within(const Socket& listener, double seconds) {
  if (!wait_for(listener.fd(), seconds)) return Socket();
  return Socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
}

Socket connect_to(const std::string& host, std::uint16_t port, double seconds) {
  const std::string place = fmt::format("rank 0 at {} port {}: cannot connect", escaped(host), port);
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) fail(ErrorCode::distributed, "{}: {}", place, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  Socket socket = tcp_socket();
  // Linux: the limit of a send is that of a connect as well.
  const timeval limit{static_cast<time_t>(seconds) + 1, 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.fd(), found->ai_addr, found->ai_addrlen) != 0) fail_with_errno(place);
  return socket;
}

}  // namespace salu
