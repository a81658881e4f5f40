// SPDX-License-Identifier: MIT
/// core/gpu.h in a program without CUDA. The definitions are weak: the linker takes those of cuda/runtime or
/// cuda/host in a program that links one of them.
#include "core/error.h"
#include "core/gpu.h"
#include "core/kernel.h"

namespace salu {

void fail_no_kernel(const char* name) {
  fail(ErrorCode::usage, "{}: this build has no CUDA (configure with -Dcuda=enabled)", name);
}

namespace gpu {
namespace {

[[noreturn]] void fail_no_gpu() { fail_no_kernel("device cuda"); }

}  // namespace

[[gnu::weak]] const char* backend_name() { return ""; }
[[gnu::weak]] int device_count() { return 0; }
[[gnu::weak]] std::vector<std::string> describe() {
  return {"CUDA: not built in (configure with -Dcuda=enabled)"};
}
[[gnu::weak]] void open(const OpenOptions&) { fail_no_gpu(); }
[[gnu::weak]] void use_libraries(bool) { fail_no_gpu(); }
[[gnu::weak]] void use_device(int) { fail_no_gpu(); }
[[gnu::weak]] DeviceInfo device_info() { fail_no_gpu(); }

[[gnu::weak]] void* allocate_raw(std::size_t) { fail_no_gpu(); }
[[gnu::weak]] void release_raw(void*) { fail_no_gpu(); }
[[gnu::weak]] std::shared_ptr<void> allocate_pinned(std::size_t) { fail_no_gpu(); }

[[gnu::weak]] void copy_to_device(void*, const void*, std::size_t) { fail_no_gpu(); }
[[gnu::weak]] void copy_to_host(void*, const void*, std::size_t) { fail_no_gpu(); }
[[gnu::weak]] void copy_on_device(void*, const void*, std::size_t) { fail_no_gpu(); }
[[gnu::weak]] void queue_copy_to_device(void*, const void*, std::size_t) { fail_no_gpu(); }
[[gnu::weak]] void queue_copy_to_host(void*, const void*, std::size_t) { fail_no_gpu(); }

[[gnu::weak]] void synchronize() { fail_no_gpu(); }
[[gnu::weak]] Event::Event() { fail_no_gpu(); }
[[gnu::weak]] void Event::record() { fail_no_gpu(); }
[[gnu::weak]] void Event::wait() const { fail_no_gpu(); }
[[gnu::weak]] double Event::milliseconds_since(const Event&) const { fail_no_gpu(); }
[[gnu::weak]] void Graph::begin() { fail_no_gpu(); }
[[gnu::weak]] void Graph::end() { fail_no_gpu(); }
[[gnu::weak]] void Graph::replay() { fail_no_gpu(); }
[[gnu::weak]] bool recording() { return false; }
[[gnu::weak]] void set_step_offset(std::uint32_t) { fail_no_gpu(); }
[[gnu::weak]] const DeviceSumsLibrary* device_sums_library() { return nullptr; }

}  // namespace gpu
}  // namespace salu
