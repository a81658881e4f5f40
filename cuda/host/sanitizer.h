// SPDX-License-Identifier: MIT
/// Tells the address and the thread sanitizer about fibers and simulated memory; does nothing in builds
/// without them.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__SANITIZE_THREAD__)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace salu::cuda::host {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
inline void poison(const void* p, std::size_t bytes) { __asan_poison_memory_region(p, bytes); }
inline void unpoison(const void* p, std::size_t bytes) { __asan_unpoison_memory_region(p, bytes); }
/// Called around a switch of stacks: leave_stack on the old stack, the other on the new one. `saved` belongs
/// to the old stack and is restored when that is entered again; null the first time.
inline void leave_stack(void** saved, const void* to, std::size_t bytes) {
  __sanitizer_start_switch_fiber(saved, to, bytes);
}
inline void enter_stack(void* saved, const void** from, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, from, bytes);
}
#else
inline constexpr bool kAddressSanitizer = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
inline void leave_stack(void**, const void*, std::size_t) {}
inline void enter_stack(void*, const void**, std::size_t*) {}
#endif

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
/// Every CUDA thread is a thread of the sanitizer. A switch orders nothing (1); only acquire and release do.
/// Always inlined: the sanitizer counts calls and returns per thread, so a function called in one thread must
/// not return in another.
[[gnu::always_inline]] inline void switch_thread(void* thread) { __tsan_switch_to_fiber(thread, 1); }
inline void* this_thread() { return __tsan_get_current_fiber(); }
inline void* create_thread() { return __tsan_create_fiber(0); }
/// Orders the work of a thread that never runs again before everything that follows.
[[gnu::always_inline]] inline void join_thread(void* thread) {
  void* self = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(thread, 0);  // 0: the switch orders
  __tsan_switch_to_fiber(self, 0);
}
/// Orders work before release(slot) in one thread before work after acquire(slot) in another.
inline void acquire(char* slot) { __tsan_acquire(slot); }
inline void release(char* slot) { __tsan_release(slot); }

/// Suppresses the recording of this thread's accesses during its lifetime: the shim's own bookkeeping is not
/// part of the kernel.
class Quiet {
 public:
  Quiet() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Quiet() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};
#else
inline constexpr bool kThreadSanitizer = false;
inline void* this_thread() { return nullptr; }
inline void* create_thread() { return nullptr; }
inline void switch_thread(void*) {}
inline void join_thread(void*) {}
inline void acquire(char*) {}
inline void release(char*) {}

class Quiet {
 public:
  Quiet() {}
};
#endif

}  // namespace salu::cuda::host
