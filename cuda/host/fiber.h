// SPDX-License-Identifier: MIT
/// Fibers: functions with a stack of their own that hand over to each other on one OS thread.
#pragma once

#include <cstddef>

namespace salu::cuda::host {

/// Saved state of a suspended fiber.
struct Context {
  void* stack_pointer = nullptr;
  const void* stack =
      nullptr;  ///< lowest address of its stack; for the scheduler's stack, as reported by the sanitizer
  std::size_t stack_bytes = 0;
  void* address_state = nullptr;  ///< belongs to the address sanitizer
  void* thread = nullptr;         ///< its thread in the thread sanitizer
};

/// Runs `body` once for every resume() after the previous run returned, on the same stack, so that one fiber
/// serves many blocks of many launches. `body` must not throw.
class Fiber {
 public:
  /// `number` offsets the top of the stack, so that the frames of different fibers do not share cache sets.
  Fiber(int number, void (*body)());
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Called by the scheduler: runs the fiber until it suspends or `body` ends.
  void resume();
  /// Called within the fiber: returns to the scheduler until the next resume().
  void suspend();
  /// Abandons an unfinished body; the next resume() starts it anew.
  void reset();

 private:
  static void run();

  int number_;
  void (*body_)();
  void* memory_;
  Context context_;
};

}  // namespace salu::cuda::host
