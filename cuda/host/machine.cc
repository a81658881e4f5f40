// SPDX-License-Identifier: MIT
#include "cuda/host/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "cuda/host/shared_memory.h"

namespace salu::cuda::host {
namespace {

/// Decides the order in which ready threads run.
class Order {
 public:
  explicit Order(std::size_t threads)
      : threads_(threads), state_(machine().schedule * 0x9E3779B97F4A7C15u + 1) {
    std::iota(threads_.begin(), threads_.end(), 0u);
    if (machine().schedule == 1) std::reverse(threads_.begin(), threads_.end());
  }
  const std::vector<unsigned>& next() {
    if (machine().schedule > 1) {
      for (std::size_t i = threads_.size(); i > 1; --i) std::swap(threads_[i - 1], threads_[random() % i]);
    }
    return threads_;
  }

 private:
  std::uint64_t random() {  // xorshift64
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  std::vector<unsigned> threads_;
  std::uint64_t state_;
};

/// The threads that neither run nor ended, after all collectives that could complete have.
struct Waiting {
  std::size_t done = 0;
  const Fiber* at_barrier = nullptr;
  const Fiber* elsewhere = nullptr;  ///< at another barrier than at_barrier
  const Fiber* ended = nullptr;
  const Fiber* stuck = nullptr;  ///< in a collective
};

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() && std::string_view(a.file_name()) == b.file_name();
}

Waiting survey(std::size_t threads) {
  Waiting w;
  for (std::size_t i = 0; i < threads; ++i) {
    const Fiber& fiber = machine().fibers[i];
    if (fiber.state == ThreadState::done) {
      ++w.done;
      w.ended = &fiber;
    } else if (fiber.state == ThreadState::in_collective) {
      w.stuck = &fiber;
    } else if (!w.at_barrier) {
      w.at_barrier = &fiber;
    } else if (!same_place(fiber.where, w.at_barrier->where)) {
      w.elsewhere = &fiber;
    }
  }
  return w;
}

/// "" when all threads wait at one barrier.
std::string barrier_error(const Waiting& w) {
  if (w.stuck) {
    return place(*w.stuck, w.stuck->where) +
           ": a warp collective never completed: lanes of its mask diverged";
  }
  if (w.ended) {
    return place(*w.at_barrier, w.at_barrier->where) +
           ": __syncthreads() after a thread of the block has ended";
  }
  if (w.elsewhere) {
    return fmt::format("{}: divergent __syncthreads(): other threads wait at line {}",
                       place(*w.elsewhere, w.elsewhere->where), w.at_barrier->where.line());
  }
  return "";
}

}  // namespace

Machine& machine() {
  static Machine* instance = new Machine;  // leaked: fibers may outlive static destructors
  return *instance;
}

std::string place(const Fiber& fiber, const std::source_location& where) {
  const std::string_view file = where.file_name();
  return fmt::format("{}: {}:{}, thread ({},{},{}) of block ({},{},{})", machine().kernel,
                     file.substr(file.rfind('/') + 1), where.line(), fiber.thread.x, fiber.thread.y,
                     fiber.thread.z, blockIdx.x, blockIdx.y, blockIdx.z);
}

void fail_in_kernel(const std::string& what, const std::source_location& where) {
  {
    const Quiet quiet;
    machine().error = place(self(), where) + ": " + what;
    self().state = ThreadState::done;
  }
  switch_to_scheduler(true);
  std::abort();
}

void run_block(std::size_t threads) {
  const Quiet quiet;
  Machine& m = machine();
  reset_shared_memory();
  prepare_fibers(threads);
  m.votes[0] = m.votes[1] = 0;
  release(&m.start_slot);
  Order order(threads);
  while (true) {
    for (const unsigned i : order.next()) {
      if (m.fibers[i].state != ThreadState::ready) continue;
      switch_to_fiber(m.fibers[i]);
      if (!m.error.empty()) return;
    }
    bool progress = false;
    for (std::size_t first = 0; first < threads; first += 32) {
      progress |= complete_collectives(first, std::min<std::size_t>(32, threads - first));
    }
    if (!m.error.empty()) return;
    if (progress) continue;
    const Waiting waiting = survey(threads);
    if (waiting.done == threads) return;
    m.error = barrier_error(waiting);
    if (!m.error.empty()) return;
    for (std::size_t i = 0; i < threads; ++i) m.fibers[i].state = ThreadState::ready;
    ++m.barriers;
  }
}

}  // namespace salu::cuda::host
