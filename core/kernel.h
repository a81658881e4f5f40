// SPDX-License-Identifier: MIT
/// The kernel table of an op: one function per device type.
#pragma once

#include <type_traits>
#include <utility>

#include "core/device.h"
#include "core/profile.h"
#include "core/tensor.h"

namespace salu {

/// Throws ErrorCode::usage: this build has no CUDA (core/no_gpu.cc).
[[noreturn]] void fail_no_kernel(const char* name);

template <class Signature>
class Kernel;

/// One entry per device type. The CPU entry is set where the op's CPU kernels are defined; gpu::open() sets
/// that of CUDA. A call of an empty entry throws, so no op needs stubs. Every call opens a ProfileScope.
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

/// Calls kernel(y, args...) for a new tensor y of this shape, with dtype and device of x, and returns y.
template <class... Args>
Tensor shaped(const Kernel<void(Tensor&, Args...)>& kernel, const Shape& shape, const Tensor& x,
              std::type_identity_t<Args>... args) {
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  kernel(x.device(), y, std::forward<Args>(args)...);
  return y;
}

/// The same for a result of the shape of x.
template <class... Args>
Tensor like(const Kernel<void(Tensor&, Args...)>& kernel, const Tensor& x,
            std::type_identity_t<Args>... args) {
  return shaped(kernel, x.shape(), x, std::forward<Args>(args)...);
}

}  // namespace salu
