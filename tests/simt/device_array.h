// SPDX-License-Identifier: MIT
/// Device memory with a known content, for tests of the shim.
#pragma once

#include <vector>

#include "core/gpu.h"

namespace salu::test {

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t n) : n_(n), data_(static_cast<T*>(gpu::allocate_raw(n * sizeof(T)))) {}
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    gpu::copy_to_device(data_, values.data(), n_ * sizeof(T));
  }
  ~DeviceArray() { gpu::release_raw(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() { return data_; }
  std::vector<T> values() const {
    std::vector<T> out(n_);
    gpu::copy_to_host(out.data(), data_, n_ * sizeof(T));
    return out;
  }

 private:
  std::size_t n_;
  T* data_;
};

/// Multiples of 1/4 in [-1.5, 1.5]: their sums are exact in float, in any order.
inline std::vector<float> exact_values(std::size_t n) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<float>(static_cast<int>(i * 7 % 13) - 6) * 0.25f;
  return v;
}

}  // namespace salu::test
