// SPDX-License-Identifier: MIT
/// One variant of the shim under test.
///   gate          every correct kernel under six schedules; exit 0: no report, equal results
///   gate --list   the names of the seeded bugs
///   gate NAME     one of them under four schedules; exit 0: caught, with the way on stdout; 1: missed
///                 (or a sanitizer ends the process)
#include <cmath>
#include <cstdio>
#include <string>

#include "core/error.h"
#include "cuda/host/host.h"
#include "cuda/runtime.h"
#include "tests/simt/kernels.h"

namespace salu::test {
namespace {

template <class T>
T* upload(const std::vector<T>& values) {
  auto* p = static_cast<T*>(cuda::allocate_raw(values.size() * sizeof(T)));
  cuda::copy_to_device(p, values.data(), values.size() * sizeof(T));
  return p;
}

std::vector<float> quarters(std::size_t n) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = 0.25f * static_cast<float>(static_cast<int>(i * 7 % 13) - 6);
  return out;
}

std::vector<int> small_bins() {
  std::vector<int> out(1024);
  for (int i = 0; i < 1024; ++i) out[static_cast<std::size_t>(i)] = i % 5;
  return out;
}

/// y and the histogram.
std::vector<float> results(const GateBuffers& d) {
  std::vector<float> y(1024);
  std::vector<int> histogram(8);
  cuda::copy_to_host(y.data(), d.y, y.size() * sizeof(float));
  cuda::copy_to_host(histogram.data(), d.histogram, histogram.size() * sizeof(int));
  for (const int count : histogram) y.push_back(static_cast<float>(count));
  return y;
}

int run_correct() {
  for (const GateKernel& kernel : correct_kernels()) {
    std::vector<float> first;
    for (std::uint64_t schedule = 0; schedule < 6; ++schedule) {
      cuda::host::set_schedule(schedule);
      GateBuffers d;
      kernel.run(d);
      const std::vector<float> got = results(d);
      if (first.empty()) first = got;
      if (got != first) {
        std::printf("%s: schedule %d gives another result\n", kernel.name, static_cast<int>(schedule));
        return 1;
      }
    }
  }
  return 0;
}

/// How the bug showed, or "" when it did not.
std::string caught(const GateKernel& bug) {
  std::vector<float> first;
  for (std::uint64_t schedule = 0; schedule < 4; ++schedule) {
    cuda::host::set_schedule(schedule);
    GateBuffers d;
    std::vector<float> got;
    try {
      bug.run(d);
      got = results(d);
    } catch (const Error& e) {
      return std::string("shim: ") + e.what();
    }
    for (const float v : got) {
      if (std::isnan(v)) return "fill: NaN in the result";
    }
    if (first.empty()) first = got;
    if (got != first) return "schedule: another result under schedule " + std::to_string(schedule);
  }
  return "";
}

int run_bug(const std::string& name) {
  for (const GateKernel& bug : seeded_bugs()) {
    if (name != bug.name) continue;
    const std::string how = caught(bug);
    std::puts(how.empty() ? "missed" : how.c_str());
    std::fflush(stdout);
    std::_Exit(how.empty() ? 1 : 0);  // what the bug left behind is not taken down
  }
  std::fprintf(stderr, "gate: no seeded bug named '%s'\n", name.c_str());
  return 2;
}

}  // namespace

GateBuffers::GateBuffers()
    : host(quarters(4096)),
      x(upload(host)),
      y(upload(std::vector<float>(1024))),
      exact(upload(quarters(100))),
      exact_out(upload(std::vector<float>(100))),
      bins(upload(small_bins())),
      histogram(upload(std::vector<int>(8))),
      ticket(upload(std::vector<unsigned>(1))) {}

GateBuffers::~GateBuffers() {
  if (cuda::recording()) return;  // a seeded bug left it so
  for (void* p : {static_cast<void*>(x), static_cast<void*>(y), static_cast<void*>(exact),
                  static_cast<void*>(exact_out), static_cast<void*>(bins), static_cast<void*>(histogram),
                  static_cast<void*>(ticket)}) {
    try {
      cuda::release_raw(p);
    } catch (const Error&) {
      return;  // the same
    }
  }
}

}  // namespace salu::test

int main(int argc, char** argv) {
  const std::string argument = argc > 1 ? argv[1] : "";
  if (argument.empty()) return salu::test::run_correct();
  if (argument != "--list") return salu::test::run_bug(argument);
  for (const auto& bug : salu::test::seeded_bugs()) std::puts(bug.name);
  return 0;
}
