// SPDX-License-Identifier: MIT
/// The scheduler: runs the blocks of a grid one after another, and the threads of a block in turn.
#include "cuda/host/launch.h"

#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "core/error.h"
#include "cuda/host/collectives.h"
#include "cuda/host/host.h"
#include "cuda/host/machine.h"
#include "cuda/host/memory.h"
#include "cuda/host/sanitizer.h"
#include "cuda/host/stream.h"

namespace salu::cuda::host {
namespace {

constexpr std::int64_t kMaxBlocksX = 2147483647, kMaxBlocksYZ = 65535;

std::set<std::string>& names() {
  static auto* all = new std::set<std::string>;  // never destroyed: kernels may run from static destructors
  return *all;
}

void check_grid(const Grid& grid) {
  const std::int64_t threads = std::int64_t{grid.threads_x} * grid.threads_y;
  if (grid.threads_x < 1 || grid.threads_y < 1 || threads > kMaxThreads) {
    fail(ErrorCode::environment, "kernel {}: block of {} x {} threads; expected 1 to {} in all", grid.kernel,
         grid.threads_x, grid.threads_y, kMaxThreads);
  }
  const auto within = [](std::int64_t blocks, std::int64_t most) { return blocks >= 1 && blocks <= most; };
  if (!within(grid.blocks_x, kMaxBlocksX) || !within(grid.blocks_y, kMaxBlocksYZ) ||
      !within(grid.blocks_z, kMaxBlocksYZ)) {
    fail(ErrorCode::environment, "kernel {}: grid of {} x {} x {} blocks; expected 1 to {} x {} x {}",
         grid.kernel, grid.blocks_x, grid.blocks_y, grid.blocks_z, kMaxBlocksX, kMaxBlocksYZ, kMaxBlocksYZ);
  }
  if (grid.shared_bytes > kMaxShared) {
    fail(ErrorCode::environment, "kernel {}: {} bytes of dynamic shared memory; expected at most {}",
         grid.kernel, grid.shared_bytes, kMaxShared);
  }
}

void check_pointers(const char* kernel, const std::vector<PointerArgument>& pointers) {
  for (const PointerArgument& p : pointers) {
    if (!p.value || in_device_memory(p.value)) continue;
    fail(ErrorCode::environment,
         "kernel {}: argument {} is {}, which is not in live device memory; expected device memory or null",
         kernel, p.position, p.value);
  }
}

std::uint64_t next_random(std::uint64_t& state) {  // xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/// The body of every fiber: runs one CUDA thread.
void run_thread() {
  Machine& m = machine();
  acquire(&m.start_slot);
  m.body();
  release(&m.done_slot);
  const Quiet quiet;
  m.running->state = State::done;
}

void resume(Thread& thread) {
  Machine& m = machine();
  m.running = &thread;
  threadIdx = thread.index;
  ++m.counters.switches;
  thread.fiber->resume();
  m.running = nullptr;
}

/// Consecutive blocks run on different fibers, which are threads to the sanitizer. On the same fibers it
/// would miss races between blocks, because a thread cannot race with itself, nor with threads whose barriers
/// it has passed.
constexpr std::size_t kFiberSets = kThreadSanitizer ? 2 : 1;

void provide_fibers() {
  Machine& m = machine();
  while (m.fibers.size() < kFiberSets * static_cast<std::size_t>(m.thread_count)) {
    m.fibers.push_back(std::make_unique<Fiber>(static_cast<int>(m.fibers.size()), run_thread));
  }
}

void begin_block(std::int64_t turn) {
  Machine& m = machine();
  begin_block_memory();
  if (kThreadSanitizer || !m.slots) m.slots = std::make_unique<SyncSlots>();
  const std::size_t first =
      static_cast<std::size_t>(turn) % kFiberSets * static_cast<std::size_t>(m.thread_count);
  for (int i = 0; i < m.thread_count; ++i) {
    Thread& thread = m.threads[i];
    thread = Thread{};
    thread.fiber = m.fibers[first + i].get();
    thread.number = i;
    const auto n = static_cast<unsigned>(i);
    thread.index = {n % blockDim.x, n / blockDim.x, 0};
    thread.state = State::ready;
  }
}

/// Computes the order in which the threads run next.
void order_threads(std::vector<int>& order) {
  Machine& m = machine();
  const int n = m.thread_count;
  order.resize(n);
  std::iota(order.begin(), order.end(), 0);
  if (m.schedule == 0) return;
  for (int i = 0; i < n; ++i) {
    const int other = m.schedule == 1 ? n - 1 - i : static_cast<int>(next_random(m.random) % n);
    if (m.schedule != 1 || other > i) std::swap(order[i], order[other]);
  }
}

/// Sets machine().error when the threads, all stopped, do not wait at one barrier.
void check_barrier() {
  Machine& m = machine();
  const Thread *first = nullptr, *gone = nullptr;
  for (int i = 0; i < m.thread_count; ++i) {
    const Thread& thread = m.threads[i];
    if (thread.state == State::at_collective) {
      m.error = place(thread, thread.at) +
                "its warp collective never completes: other lanes of the mask wait elsewhere; expected every "
                "lane of the mask at the same call";
      return;
    }
    if (thread.state == State::done) gone = &thread;
    if (thread.state == State::at_barrier && !first) first = &thread;
  }
  for (int i = 0; i < m.thread_count && !gone; ++i) {
    const Thread& thread = m.threads[i];
    if (same_call(thread.at, first->at)) continue;
    m.error = place(thread, thread.at) +
              fmt::format("divergent barrier: thread {} waits at {}:{}; expected all threads at one barrier",
                          first->number, first->at.file_name(), first->at.line());
    return;
  }
  if (gone) {
    m.error = place(*first, first->at) +
              fmt::format("divergent barrier: thread {} has exited; expected all threads at the barrier",
                          gone->number);
  }
}

void release_barrier() {
  Machine& m = machine();
  m.barrier_count = 0;
  for (int i = 0; i < m.thread_count; ++i) {
    m.barrier_count += m.threads[i].predicate;
    m.threads[i].state = State::ready;
  }
  ++m.counters.barriers;
}

/// Runs the ready threads of one warp, or of all (-1), in the given order; stops at an error.
void run_ready(const std::vector<int>& order, int warp) {
  Machine& m = machine();
  for (const int i : order) {
    if ((warp >= 0 && i / kLanes != warp) || m.threads[i].state != State::ready) continue;
    resume(m.threads[i]);
    if (!m.error.empty()) return;
  }
}

/// Runs every thread until it ends or waits at a barrier. Under even schedules all warps run up to their next
/// collective; under odd ones a warp runs up to its barrier before the next one starts.
void run_interval(const std::vector<int>& order) {
  Machine& m = machine();
  const int warps = (m.thread_count + kLanes - 1) / kLanes;
  if (m.schedule % 2 == 0) {
    bool completed = true;
    while (completed && m.error.empty()) {
      run_ready(order, -1);
      completed = false;
      for (int w = 0; w < warps && m.error.empty(); ++w) completed |= complete_collectives(w);
    }
    return;
  }
  std::vector<bool> started(warps);
  for (const int i : order) {
    const int warp = i / kLanes;
    if (started[warp]) continue;
    started[warp] = true;
    do {
      run_ready(order, warp);
      if (!m.error.empty()) return;
    } while (complete_collectives(warp));
    if (!m.error.empty()) return;
  }
}

/// `turn` counts the blocks run so far.
void run_block(std::int64_t turn, std::vector<int>& order) {
  Machine& m = machine();
  const Quiet quiet;
  begin_block(turn);
  for (;;) {
    order_threads(order);
    run_interval(order);
    if (!m.error.empty()) return;
    int done = 0;
    for (int i = 0; i < m.thread_count; ++i) done += m.threads[i].state == State::done;
    if (done == m.thread_count) break;
    check_barrier();
    if (!m.error.empty()) return;
    release_barrier();
  }
  end_block_memory();
}

void begin_grid(const Grid& grid, std::function<void()> thread) {
  Machine& m = machine();
  const Quiet quiet;
  m.kernel = grid.kernel;
  m.body = std::move(thread);
  m.error.clear();
  m.random = (m.schedule + 1) * 0x9E3779B97F4A7C15u;
  m.thread_count = grid.threads_x * grid.threads_y;
  gridDim = dim3(static_cast<unsigned>(grid.blocks_x), static_cast<unsigned>(grid.blocks_y),
                 static_cast<unsigned>(grid.blocks_z));
  blockDim = dim3(static_cast<unsigned>(grid.threads_x), static_cast<unsigned>(grid.threads_y));
  set_dynamic_shared(grid.shared_bytes);
  provide_fibers();
  ++m.counters.launches;
}

/// Number of the n-th block to run.
std::int64_t block_in_turn(std::int64_t n, std::int64_t blocks) {
  const Machine& m = machine();
  if (m.schedule == 0) return n;
  if (m.schedule == 1) return blocks - 1 - n;
  return (n + static_cast<std::int64_t>(m.schedule)) % blocks;
}

void run_grid(const Grid& grid, std::function<void()> thread) {
  Machine& m = machine();
  begin_grid(grid, std::move(thread));
  release(&m.start_slot);
  const std::int64_t blocks = grid.blocks_x * grid.blocks_y * grid.blocks_z;
  std::vector<int> order;
  for (std::int64_t n = 0; n < blocks && m.error.empty(); ++n) {
    const Quiet quiet;
    const std::int64_t b = block_in_turn(n, blocks);
    blockIdx = {static_cast<unsigned>(b % grid.blocks_x),
                static_cast<unsigned>(b / grid.blocks_x % grid.blocks_y),
                static_cast<unsigned>(b / (grid.blocks_x * grid.blocks_y))};
    run_block(n, order);
  }
  acquire(&m.done_slot);
  const Quiet quiet;
  m.body = nullptr;
  if (m.error.empty()) return;
  for (const auto& fiber : m.fibers) fiber->reset();
  throw Error(ErrorCode::environment, std::exchange(m.error, {}));
}

}  // namespace

std::vector<std::string> launched_kernels() { return {names().begin(), names().end()}; }

void launch_grid(const Grid& grid, std::vector<PointerArgument> pointers, std::function<void()> thread) {
  if (machine().running) {
    fail_in_kernel(Location::current(),
                   fmt::format("launches {}; expected launches by the host", grid.kernel));
  }
  check_grid(grid);
  check_pointers(grid.kernel, pointers);
  enqueue([=, name = std::string(grid.kernel), pointers = std::move(pointers)] {
    Grid queued = grid;
    queued.kernel = name.c_str();
    check_pointers(queued.kernel, pointers);  // checked again, because queued work may run after a release
    names().insert(name);
    const DeviceAccess access;
    run_grid(queued, thread);
    check_block_ends(queued.kernel);
  });
}

}  // namespace salu::cuda::host
