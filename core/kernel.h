// SPDX-License-Identifier: MIT
/// The kernel table of an op: one function per device type.
#pragma once

#include <utility>

#include "core/device.h"
#include "core/profile.h"

namespace salu {

/// Throws ErrorCode::usage: this build has no CUDA.
[[noreturn]] void fail_no_kernel(const char* name);

template <class Signature>
class Kernel;

/// One entry per device type. The CPU entry is set where the op's CPU kernels are defined; a CUDA build adds
/// its own at start-up. A call without an entry fails here, for every op, so no op needs a stub. A profile
/// measures here, so no op needs a clock.
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
