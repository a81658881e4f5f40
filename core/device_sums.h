// SPDX-License-Identifier: MIT
/// Sums over the GPUs of several processes, by a library that lets GPUs talk to each other. Like the backend
/// (core/backend.h) it is installed by programs that link one.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace salu {

/// All ranks make the same calls in the same order.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  /// `values`, on the device, become their sum over the ranks, behind what is queued now and beside what is
  /// queued later. They must not be touched before join().
  virtual void start(std::span<float> values) = 0;
  /// What is queued from now on waits for all sums.
  virtual void join() = 0;
};

struct DeviceSumsLibrary {
  const char* name;  ///< "NCCL"
  /// What tells this GPU from others of its machine; "" where the library cannot be used.
  std::string (*place)();
  std::string (*make_id)();  ///< by one rank, for all
  std::unique_ptr<DeviceSums> (*connect)(const std::string& id, int rank, int ranks);
};

/// Null: none is installed.
const DeviceSumsLibrary* device_sums_library();
void install_device_sums(const DeviceSumsLibrary* library);

}  // namespace salu
