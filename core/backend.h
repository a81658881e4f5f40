// SPDX-License-Identifier: MIT
/// What the library that drives a device supplies to Tensor: memory, copies, fills. core never names the
/// library; a program that links it installs it at start-up (cuda/runtime/cuda.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/allocator.h"
#include "core/device.h"

namespace salu {

class Tensor;

/// A mark in the device's queue.
class QueueMark {
 public:
  virtual ~QueueMark() = default;
  virtual void record() = 0;
  virtual void wait() = 0;  ///< until the queue has passed the mark
  /// From one mark of the same device to another, both passed.
  virtual double milliseconds_since(const QueueMark& earlier) const = 0;
};

/// A sequence of device work that is recorded once and replayed: everything between begin() and end(). The
/// memory it uses must stay where it is, and nothing may wait for the device while it is recorded.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void begin() = 0;
  virtual void end() = 0;
  virtual void replay() = 0;
};

struct Backend {
  const char* name;  ///< "cuda", or "cuda-host": the same kernels on the host
  std::shared_ptr<void> (*allocate)(std::size_t bytes);
  void (*copy_to_device)(void* to, const void* from, std::size_t bytes);  ///< returns when `from` is free
  void (*copy_to_host)(void* to, const void* from, std::size_t bytes);    ///< returns when `to` is filled
  void (*copy_on_device)(void* to, const void* from, std::size_t bytes);
  void (*fill)(Tensor& t, double value);
  void (*convert)(Tensor& to, const Tensor& from);  ///< same shape and device, another dtype
  void (*synchronize)();                            ///< waits until the device is idle
  MemoryStats (*memory)();
  /// Host memory that the device copies from and to while the host goes on.
  std::shared_ptr<void> (*allocate_pinned)(std::size_t bytes);
  void (*queue_copy_to_device)(void* to, const void* pinned, std::size_t bytes);
  void (*queue_copy_to_host)(void* pinned, const void* from, std::size_t bytes);
  std::unique_ptr<QueueMark> (*make_mark)();
  std::unique_ptr<Recording> (*make_recording)();
  void (*set_step_offset)(std::uint32_t offset);  ///< added to the step of every RandomKey in a recording
};

/// The backend of all CUDA tensors; throws ErrorCode::usage when none is installed.
const Backend& cuda_backend();
bool has_cuda_backend();
void install_cuda_backend(const Backend& backend);

/// Statistics of the allocator of this device.
MemoryStats memory_of(Device device);
/// Waits until everything asked of the device is done; the CPU has no queue.
void synchronize(Device device);
/// On the CPU, which does at once what it is asked, a mark is the time.
std::unique_ptr<QueueMark> make_mark(Device device);

}  // namespace salu
