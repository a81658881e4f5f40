// SPDX-License-Identifier: MIT
/// Switching between fibers: 15 lines of assembly instead of swapcontext, which makes two system calls.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "cuda/host/machine.h"

// Saves the callee-saved registers on the running stack, stores its pointer, and takes up the other one.
extern "C" void salu_switch_stack(void** save, void* load);
#if defined(__x86_64__)
asm(R"(
.text
.globl salu_switch_stack
.type salu_switch_stack,@function
salu_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size salu_switch_stack,.-salu_switch_stack
)");
#else
#error "cuda/host knows how to switch stacks on x86-64 only: add the registers of this CPU here"
#endif

namespace salu::cuda::host {
namespace {

constexpr std::size_t kGuardBytes = 4096, kSavedRegisters = 6;

void start_asan_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                       [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

void finish_asan_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** stack = nullptr,
                        [[maybe_unused]] std::size_t* bytes = nullptr) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, stack, bytes);
#endif
}

void switch_tsan([[maybe_unused]] void* fiber) {
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(fiber, 1);  // 1: being scheduled orders nothing
#endif
}

/// Where every fiber starts. The kernel returns here; a fiber never does.
void fiber_main() {
  Machine& m = machine();
  const bool first = m.host_stack == nullptr;
  finish_asan_switch(nullptr, first ? &m.host_stack : nullptr, first ? &m.host_stack_bytes : nullptr);
  acquire(&m.start_slot);
  m.body();
  release(&m.end_slot);
  {
    const Quiet quiet;
    self().state = ThreadState::done;
  }
  switch_to_scheduler(true);
  std::abort();
}

char* new_stack() {
  void* p = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (p == MAP_FAILED || mprotect(p, kGuardBytes, PROT_NONE) != 0) {
    fail(ErrorCode::environment, "cuda-host: no memory for the stack of a thread");
  }
  return static_cast<char*>(p) + kGuardBytes;
}

}  // namespace

void switch_to_fiber(Fiber& fiber) {
  Machine& m = machine();
  m.current = &fiber;
  threadIdx = fiber.thread;
  ++m.switches;
  start_asan_switch(&m.host_fake_stack, fiber.stack, kStackBytes);
  switch_tsan(fiber.tsan);
  salu_switch_stack(&m.host_stack_pointer, fiber.stack_pointer);
  finish_asan_switch(m.host_fake_stack);
  m.current = nullptr;
}

void switch_to_scheduler(bool ending) {
  Machine& m = machine();
  Fiber& fiber = *m.current;
  start_asan_switch(ending ? nullptr : &fiber.fake_stack, m.host_stack, m.host_stack_bytes);
  switch_tsan(m.host_tsan);
  salu_switch_stack(&fiber.stack_pointer, m.host_stack_pointer);
  finish_asan_switch(fiber.fake_stack);
}

void prepare_fibers(std::size_t threads) {
  Machine& m = machine();
  while (m.fibers.size() < threads) m.fibers.emplace_back().stack = new_stack();
  for (std::size_t i = 0; i < threads; ++i) {
    Fiber& fiber = m.fibers[i];
    const auto linear = static_cast<unsigned>(i);
    fiber.state = ThreadState::ready;
    fiber.linear = linear;
    fiber.thread = {linear % blockDim.x, linear / blockDim.x % blockDim.y,
                    linear / (blockDim.x * blockDim.y)};
    fiber.barriers = fiber.collectives = 0;
    unpoison(fiber.stack, kStackBytes);
    // Stacks start at different offsets, or all of them would share a few cache sets.
    auto** top = reinterpret_cast<void**>(fiber.stack + kStackBytes - (i & 31) * 192) - 2;
    *top = reinterpret_cast<void*>(&fiber_main);
    fiber.stack_pointer = top - kSavedRegisters;
    std::memset(fiber.stack_pointer, 0, kSavedRegisters * sizeof(void*));
#if defined(__SANITIZE_THREAD__)
    if (!fiber.tsan) fiber.tsan = __tsan_create_fiber(0);
#endif
  }
  if constexpr (kTsan) {
    // Another identity for every thread in the next block, so that races between blocks show.
    for (std::size_t i = threads; i-- > 1;) std::swap(m.fibers[i].tsan, m.fibers[i - 1].tsan);
  }
}

}  // namespace salu::cuda::host
