// SPDX-License-Identifier: MIT
#include "cuda/host/machine.h"

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "cuda/host/sanitizer.h"
#include "cuda/host/shared_memory.h"
#include "cuda/host/simt.h"

namespace salu::cuda::host {
namespace {

std::uint64_t next_random(std::uint64_t& state) {  // xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/// What a fiber runs for each CUDA thread it is given.
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

/// Consecutive blocks run on different fibers, which are threads to the sanitizer. A thread cannot race with
/// itself, nor with those whose barriers it has passed: on the same fibers races between blocks would not
/// show.
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

/// The order in which the threads run next.
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

/// Sets machine().error when the threads, all of which have stopped, do not wait at one barrier.
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

/// Runs every thread until it has ended or waits at a barrier. Schedules differ in how far a warp gets before
/// the others move: under even ones all warps run up to their next collective, under odd ones a warp that has
/// started goes on to its barrier.
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

/// `turn` counts the blocks of the grid as they run.
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

void begin_grid(const LaunchCheck& shape, std::function<void()> thread) {
  Machine& m = machine();
  const Quiet quiet;
  m.kernel = shape.kernel;
  m.body = std::move(thread);
  m.error.clear();
  m.random = (m.schedule + 1) * 0x9E3779B97F4A7C15u;
  m.thread_count = shape.threads_x * shape.threads_y;
  gridDim = dim3(static_cast<unsigned>(shape.blocks_x), static_cast<unsigned>(shape.blocks_y),
                 static_cast<unsigned>(shape.blocks_z));
  blockDim = dim3(static_cast<unsigned>(shape.threads_x), static_cast<unsigned>(shape.threads_y));
  set_dynamic_shared(shape.shared_bytes);
  provide_fibers();
  ++m.counters.launches;
}

/// Number of the block that runs as the n-th.
std::int64_t block_in_turn(std::int64_t n, std::int64_t blocks) {
  const Machine& m = machine();
  if (m.schedule == 0) return n;
  if (m.schedule == 1) return blocks - 1 - n;
  return (n + static_cast<std::int64_t>(m.schedule)) % blocks;
}

}  // namespace

Machine& machine() {
  // Leaked on purpose: kernels may run from destructors of static objects.
  static Machine* instance = new Machine;
  return *instance;
}

void set_schedule(std::uint64_t seed) { machine().schedule = seed; }
const Counters& counters() { return machine().counters; }

void run_grid(const LaunchCheck& shape, std::function<void()> thread) {
  Machine& m = machine();
  begin_grid(shape, std::move(thread));
  release(&m.start_slot);
  const std::int64_t blocks = shape.blocks_x * shape.blocks_y * shape.blocks_z;
  std::vector<int> order;
  for (std::int64_t n = 0; n < blocks && m.error.empty(); ++n) {
    const Quiet quiet;
    const std::int64_t b = block_in_turn(n, blocks);
    blockIdx = {static_cast<unsigned>(b % shape.blocks_x),
                static_cast<unsigned>(b / shape.blocks_x % shape.blocks_y),
                static_cast<unsigned>(b / (shape.blocks_x * shape.blocks_y))};
    run_block(n, order);
  }
  acquire(&m.done_slot);
  const Quiet quiet;
  m.body = nullptr;
  if (m.error.empty()) return;
  for (const auto& fiber : m.fibers) fiber->reset();
  throw Error(ErrorCode::environment, std::exchange(m.error, {}));
}

std::string place(const Thread& thread, const Location& at) {
  return fmt::format("kernel {}, {}:{}, thread ({},{},{}) of block ({},{},{}): ", machine().kernel,
                     at.file_name(), at.line(), thread.index.x, thread.index.y, thread.index.z, blockIdx.x,
                     blockIdx.y, blockIdx.z);
}

bool same_call(const Location& a, const Location& b) {
  const auto same = [](const char* s, const char* t) { return s == t || std::strcmp(s, t) == 0; };
  return a.line() == b.line() && a.column() == b.column() && same(a.file_name(), b.file_name()) &&
         same(a.function_name(), b.function_name());
}

void wait_as(State state, const Location& at) {
  const Quiet quiet;
  Thread& self = *machine().running;
  self.state = state;
  self.at = at;
  self.atomics = 0;
  self.fiber->suspend();
}

void fail_in_kernel(const Location& at, const std::string& what) {
  {
    const Quiet quiet;
    machine().error = place(*machine().running, at) + what;
  }
  wait_as(State::done, at);
  std::abort();  // an abandoned fiber is reset, never resumed
}

}  // namespace salu::cuda::host
