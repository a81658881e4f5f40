// SPDX-License-Identifier: MIT
#include "cuda/host/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "cuda/host/sanitizer.h"

/// Saves callee-saved registers and the stack pointer, then loads those of another context.
extern "C" void salu_switch_stack(void** save, void* load);

#if defined(__x86_64__)
asm(R"(
  .text
  .globl salu_switch_stack
  .type salu_switch_stack, @function
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
  .size salu_switch_stack, .-salu_switch_stack
)");
#else
#error "cuda/host/fiber.cc: the switch of stacks is written for x86-64 only"
#endif

namespace salu::cuda::host {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024, kGuardBytes = 4096;
constexpr int kSavedRegisters = 6;

Context scheduler;
Context* previous = nullptr;  ///< the fiber or scheduler that switched last
Fiber* starting = nullptr;    ///< argument of run(), which cannot have parameters

void arrive(Context& here) { enter_stack(here.address_state, &previous->stack, &previous->stack_bytes); }

void hand_over(Context& from, Context& to) {
  previous = &from;
  leave_stack(&from.address_state, to.stack, to.stack_bytes);
  switch_thread(to.thread);
  salu_switch_stack(&from.stack_pointer, to.stack_pointer);
  arrive(from);
}

}  // namespace

Fiber::Fiber(int number, void (*body)()) : number_(number), body_(body) {
  memory_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory_ == MAP_FAILED || mprotect(memory_, kGuardBytes, PROT_NONE) != 0) {
    fail(ErrorCode::environment, "cuda-host: no memory for the stack of thread {} of a block", number);
  }
  context_.stack = static_cast<char*>(memory_) + kGuardBytes;
  context_.stack_bytes = kStackBytes;
  reset();
}

Fiber::~Fiber() { munmap(memory_, kGuardBytes + kStackBytes); }

/// Builds the frame that salu_switch_stack expects on an empty stack: zeros for the registers, and run() as
/// return address. The stack pointer is then 8 below a multiple of 16, as at the start of any function; the
/// zero above ends a debugger's backtrace.
void Fiber::reset() {
  if (context_.thread) join_thread(context_.thread);
  unpoison(context_.stack, kStackBytes);
  char* end = static_cast<char*>(memory_) + kGuardBytes + kStackBytes - (number_ % 32) * 192;
  void** top = reinterpret_cast<void**>(end) - 2;
  top[0] = reinterpret_cast<void*>(&Fiber::run);
  top[1] = nullptr;
  std::memset(top - kSavedRegisters, 0, kSavedRegisters * sizeof(void*));
  context_.stack_pointer = top - kSavedRegisters;
  context_.address_state = nullptr;
  context_.thread = nullptr;
}

void Fiber::run() {
  Fiber& self = *starting;
  arrive(self.context_);
  for (;;) {
    self.body_();
    self.suspend();
  }
}

void Fiber::resume() {
  if (!context_.thread) context_.thread = create_thread();
  scheduler.thread = this_thread();
  starting = this;
  hand_over(scheduler, context_);
}

void Fiber::suspend() { hand_over(context_, scheduler); }

}  // namespace salu::cuda::host
