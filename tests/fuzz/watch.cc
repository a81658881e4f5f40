// SPDX-License-Identifier: MIT
#include "tests/fuzz/watch.h"

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstdio>

extern "C" {
// g++ has the library but not the header of these two.
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                              void (*freed)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* block);
extern const char __executable_start;
const char* __asan_default_options();
const char* __ubsan_default_options();
void __sanitizer_cov_trace_pc();
}

namespace {

constexpr std::size_t kBranches = 1 << 18;
std::bitset<kBranches> seen;
std::int64_t seen_count = 0;
bool new_branch = false;
std::uintptr_t previous = 0;

std::atomic<std::int64_t> live = 0, peak = 0;

void on_malloc(const volatile void*, std::size_t size) {
  const std::int64_t now = live += static_cast<std::int64_t>(size);
  for (std::int64_t before = peak; now > before && !peak.compare_exchange_weak(before, now);) {
  }
}

void on_free(const volatile void* block) {
  if (block) live -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(block));
}

std::span<const std::uint8_t> watched;
std::int64_t number = 0, live_before = 0;
double began = 0;
char prefix[512] = "fuzz";

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void set_timer(int seconds) {
  const itimerval timer{{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

// For signal handlers: no memory is allocated.
void save() {
  if (!watched.data()) return;
  char name[600];
  std::snprintf(name, sizeof name, "%s-%lld", prefix, static_cast<long long>(number));
  const int fd = ::open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const bool done =
      fd >= 0 && ::write(fd, watched.data(), watched.size()) == static_cast<ssize_t>(watched.size());
  if (fd >= 0) ::close(fd);
  std::fprintf(stderr, "input %lld, %zu bytes: %s %s\n", static_cast<long long>(number), watched.size(),
               done ? "saved as" : "cannot be saved as", name);
}

void on_timer(int) {
  std::fprintf(stderr, "FAILED: more than 1 s of CPU time\n");
  save();
  ::_exit(1);
}

}  // namespace

// The options that the checks depend on, whatever the environment says about others.
const char* __asan_default_options() {
  return "handle_abort=1:detect_leaks=1:allocator_may_return_null=0:max_allocation_size_mb=1024";
}

// It has a library of its own that knows no callback: an abort ends in the other one's.
const char* __ubsan_default_options() { return "abort_on_error=1"; }

// The compiler puts a call into every branch of the readers. Positions are relative, so that they are the
// same in every process.
void __sanitizer_cov_trace_pc() {
  const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) -
                     reinterpret_cast<std::uintptr_t>(&__executable_start);
  const std::size_t edge = (place * 0x9E3779B1u ^ previous) % kBranches;
  previous = place >> 1;
  if (seen[edge]) return;
  seen[edge] = true;
  ++seen_count;
  new_branch = true;
}

namespace salu::fuzz {

void set_save_prefix(const std::string& path) {
  std::snprintf(prefix, sizeof prefix, "%s", path.c_str());
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  __sanitizer_set_death_callback(save);
  signal(SIGPROF, on_timer);
}

void begin_watch(std::span<const std::uint8_t> input, std::int64_t input_number) {
  watched = input;
  number = input_number;
  new_branch = false;
  previous = 0;
  live_before = live;
  peak = live_before;
  began = cpu_seconds();
  set_timer(1);
}

Measured end_watch() {
  set_timer(0);
  return {cpu_seconds() - began, peak - live_before, live - live_before, new_branch};
}

void forget_input() { watched = {}; }

void stop_with(const std::string& reason) {
  set_timer(0);
  std::fprintf(stderr, "FAILED: %s\n", reason.c_str());
  save();
  ::_exit(1);
}

std::int64_t branches_seen() { return seen_count; }

}  // namespace salu::fuzz
