// SPDX-License-Identifier: MIT
/// Mistakes in launches and in the host code around them.
#include "core/gpu.h"
#include "cuda/kernels/kernel.cuh"
#include "tests/simt/bugs.h"

namespace salu::test {
namespace {

using namespace cuda;
using namespace gpu;

constexpr std::size_t kFloat = sizeof(float);

__global__ void copy_kernel(float* y, const float* x) { y[threadIdx.x] = x[threadIdx.x]; }

void copy(const LaunchShape& shape, float* y, const float* x) {
  launch("copy_kernel", copy_kernel, shape, y, x);
}

/// Pinned memory that a test writes and reads.
struct Pinned {
  std::shared_ptr<void> memory = allocate_pinned(64 * kFloat);
  float* data = static_cast<float*>(memory.get());
};

std::vector<Bug> launch_bugs() {
  return {
      {"big_block", [](Buffers& d) { copy({.threads_x = 2048}, d.y.data(), d.x.data()); }},
      {"tall_grid", [](Buffers& d) { copy({.blocks_y = 70000, .threads_x = 32}, d.y.data(), d.x.data()); }},
      {"big_dynamic",
       [](Buffers& d) { copy({.threads_x = 32, .shared_bytes = 228 * 1024}, d.y.data(), d.x.data()); }},
      {"host_pointer", [](Buffers& d) { copy({.threads_x = 32}, d.y.data(), d.host.data()); }},
      {"released_pointer",
       [](Buffers& d) {
         float* volatile gone =
             static_cast<float*>(allocate_raw(64 * kFloat));  // volatile: the compiler may not
         release_raw(gone);                                   // see the mistake
         copy({.threads_x = 32}, d.y.data(), gone);
       }},
      {"released_twice",
       [](Buffers&) {
         float* volatile block = static_cast<float*>(allocate_raw(64 * kFloat));
         release_raw(block);
         release_raw(block);
       }},
      {"released_before_replay",
       [](Buffers& d) {
         auto* block = static_cast<float*>(allocate_raw(64 * kFloat));
         copy_on_device(block, d.x.data(), 64 * kFloat);
         Graph graph;
         graph.begin();
         copy({.threads_x = 64}, d.y.data(), block);
         graph.end();
         release_raw(block);
         graph.replay();
       }},
  };
}

std::vector<Bug> copy_bugs() {
  return {
      {"host_reads_device",
       [](Buffers& d) {
         const volatile float* x = d.x.data();
         static_cast<void>(x[3]);
       }},
      {"copy_past_end",
       [](Buffers& d) { copy_to_device(d.result_of_hundred.data(), d.host.data(), 101 * kFloat); }},
      {"copy_backwards", [](Buffers& d) { copy_to_device(d.host.data(), d.x.data(), 64 * kFloat); }},
      {"pageable_copy_queued",
       [](Buffers& d) { queue_copy_to_device(d.y.data(), d.host.data(), 64 * kFloat); }},
      {"unwritten_global",
       [](Buffers& d) {
         DeviceArray<float> unwritten(64);
         copy({.threads_x = 64}, d.y.data(), unwritten.data());
       }},
  };
}

std::vector<Bug> waiting_bugs() {
  return {
      {"read_before_waiting",
       [](Buffers& d) {
         const Pinned pinned;
         queue_copy_to_host(pinned.data, d.x.data(), 64 * kFloat);
         const float value = pinned.data[5];
         copy_to_device(d.y.data(), &value, kFloat);
       }},
      {"changed_before_copied",
       [](Buffers& d) {
         const Pinned pinned;
         for (int i = 0; i < 64; ++i) pinned.data[i] = 1;
         queue_copy_to_device(d.y.data(), pinned.data, 64 * kFloat);
         for (int i = 0; i < 64; ++i) pinned.data[i] = 2;
         synchronize();
       }},
      {"event_not_passed",
       [](Buffers& d) {
         Event begin, end;
         begin.record();
         copy({.threads_x = 64}, d.y.data(), d.x.data());
         end.record();
         static_cast<void>(end.milliseconds_since(begin));
       }},
      {"waits_while_recording",
       [](Buffers& d) {
         Graph graph;
         graph.begin();
         copy({.threads_x = 64}, d.y.data(), d.x.data());
         synchronize();
         graph.end();
       }},
      {"allocates_while_recording",
       [](Buffers& d) {
         Graph graph;
         graph.begin();
         auto* parts = static_cast<float*>(allocate_raw(64 * kFloat));
         copy({.threads_x = 64}, parts, d.x.data());
         graph.end();
       }},
      {"result_of_recording",
       [](Buffers& d) {
         DeviceArray<float> parts(64);
         Graph graph;
         graph.begin();
         copy({.threads_x = 64}, parts.data(), d.x.data());
         graph.end();
         copy({.threads_x = 64}, d.y.data(), parts.data());  // recorded, never replayed
       }},
  };
}

}  // namespace

std::vector<Bug> host_bugs() {
  std::vector<Bug> all;
  for (const auto& bugs : {launch_bugs(), copy_bugs(), waiting_bugs()}) {
    all.insert(all.end(), bugs.begin(), bugs.end());
  }
  return all;
}

}  // namespace salu::test
