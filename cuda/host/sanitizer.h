// SPDX-License-Identifier: MIT
/// The sanitizers' interfaces for fibers and memory; nothing in a plain build.
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
inline constexpr bool kAsan = true;
inline void poison(const void* p, std::size_t n) { __asan_poison_memory_region(p, n); }
inline void unpoison(const void* p, std::size_t n) { __asan_unpoison_memory_region(p, n); }
#else
inline constexpr bool kAsan = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
#endif

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kTsan = true;
/// "What happened before release(slot) happened before acquire(slot)": how ThreadSanitizer learns of
/// barriers, collectives and fences.
inline void acquire(void* slot) { __tsan_acquire(slot); }
inline void release(void* slot) { __tsan_release(slot); }

/// While alive, ThreadSanitizer does not look: the shim's own bookkeeping is no part of the kernel.
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
inline constexpr bool kTsan = false;
inline void acquire(void*) {}
inline void release(void*) {}
struct Quiet {
  Quiet() {}  // not trivial: no "unused variable"
};
#endif

}  // namespace salu::cuda::host
