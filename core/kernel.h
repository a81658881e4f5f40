// SPDX-License-Identifier: MIT
/// The kernel table of an op: one function per device type.
#pragma once

#include <utility>

#include "core/device.h"
#include "core/profile.h"

namespace salu {

/// Throws ErrorCode::usage: this build has no CUDA (core/no_gpu.cc).
[[noreturn]] void fail_no_kernel(const char* name);

template <class Signature>
class Kernel;

/// An op's kernel table: one entry per device type. The CPU entry is set beside the op's CPU kernels, the
/// CUDA entry by gpu::open(). Calling an empty entry throws, so no op needs stubs. Every call opens a
/// ProfileScope.
template <class... Args>
class Kernel<void(Args...)> {
 public:
  using Function = void (*)(Args...);

  constexpr Kernel(const char* name, Function cpu) : name_(name), entries_{cpu} {}

  void set(DeviceType type, Function function) { entries_[static_cast<int>(type)] = function; }

  void operator()(Device device, Args... args) const {
    const Function function = entries_[static_cast<int>(device.type)];
    if (!function) fail_no_kernel(name_);
    const ProfileScope scope(name_);
    function(std::forward<Args>(args)...);
  }

 private:
  const char* name_;
  Function entries_[kDeviceTypes]{};
};

}  // namespace salu
