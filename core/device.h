// SPDX-License-Identifier: MIT
/// The device that holds a tensor.
#pragma once

#include <string>

namespace salu {

enum class DeviceType : unsigned char { cpu, cuda };
inline constexpr int kDeviceTypes = 2;

struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;

  std::string str() const { return type == DeviceType::cpu ? "cpu" : "cuda:" + std::to_string(index); }
  friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace salu
