// SPDX-License-Identifier: MIT
/// The gate of the shim, run by tests/simt_gate.py in each variant: correct kernels must pass under every
/// schedule, and each seeded bug must be noticed. One bug per process: a sanitizer ends it, and a kernel that
/// was given up leaves its threads behind.
///
///   gate          the correct kernels; exit 0 when all agree with plain loops
///   gate --list   the names of the bugs
///   gate NAME     one bug; prints how it was caught, or MISSED; exit 0 when caught
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "core/error.h"
#include "cuda/host/host.h"
#include "tests/simt/bugs.h"
#include "tests/simt/correct.h"

namespace salu::test {

Buffers::Buffers()
    : classes([] {
        std::vector<int> values(1024);
        for (int i = 0; i < 1024; ++i) values[i] = i % 5;
        return values;
      }()) {}

std::vector<float> Buffers::results() const {
  std::vector<float> all = y.values();
  for (const int count : bins.values()) all.push_back(static_cast<float>(count));
  return all;
}

namespace {

int run_correct() {
  bool agree = true;
  for (const bool deferred : {false, true}) {
    cuda::host::set_deferred(deferred);
    for (std::uint64_t schedule = 0; schedule < 6; ++schedule) {
      cuda::host::set_schedule(schedule);
      for (const CorrectKernel& kernel : correct_kernels()) {
        if (kernel.agrees()) continue;
        std::printf("WRONG: %s, schedule %d%s\n", kernel.name, static_cast<int>(schedule),
                    deferred ? ", deferred" : "");
        agree = false;
      }
    }
  }
  if (agree) std::printf("%d kernels agree\n", static_cast<int>(correct_kernels().size()));
  return agree ? 0 : 1;
}

bool same(float a, float b) { return a == b; }

/// What gives the bug away; "" when nothing does.
std::string caught(const Bug& bug) {
  std::vector<float> first;
  for (const bool deferred : {false, true}) {
    cuda::host::set_deferred(deferred);
    for (std::uint64_t schedule = 0; schedule < (deferred ? 1 : 4); ++schedule) {
      cuda::host::set_schedule(schedule);
      Buffers d;
      try {
        bug.run(d);
      } catch (const Error& e) {
        return std::string("shim: ") + e.what();
      }
      const std::vector<float> got = d.results();
      if (std::any_of(got.begin(), got.end(), [](float v) { return std::isnan(v); })) return "fill: NaN";
      if (first.empty()) first = got;
      if (!std::equal(got.begin(), got.end(), first.begin(), same)) {
        return deferred ? "deferral: another result" : "schedule: another result";
      }
    }
  }
  if (!std::isnan(bug.wanted) && !same(first[0], bug.wanted)) return "result: not that of plain loops";
  return "";
}

int run_bug(const std::string& name, const std::vector<Bug>& bugs) {
  for (const Bug& bug : bugs) {
    if (name != bug.name) continue;
    const std::string how = caught(bug);
    std::printf(how.empty() ? "MISSED\n" : "CAUGHT by %s\n", how.c_str());
    return how.empty() ? 1 : 0;
  }
  std::fprintf(stderr, "gate: %s: no such bug; expected one of --list\n", name.c_str());
  return 2;
}

int run(const std::string& argument) {
  if (argument.empty()) return run_correct();
  std::vector<Bug> bugs = kernel_bugs();
  for (Bug& bug : host_bugs()) bugs.push_back(std::move(bug));
  if (argument != "--list") return run_bug(argument, bugs);
  for (const Bug& bug : bugs) std::puts(bug.name);
  return 0;
}

}  // namespace
}  // namespace salu::test

int main(int argc, char** argv) { return salu::test::run(argc > 1 ? argv[1] : ""); }
