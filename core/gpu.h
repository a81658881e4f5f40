// SPDX-License-Identifier: MIT
/// Everything that salunet asks of a GPU, without a CUDA header. A program links one of three
/// implementations: cuda/runtime (a GPU), cuda/host (the same kernels on the host, for tests), or
/// core/no_gpu.cc (none: whatever needs a device throws ErrorCode::usage).
///
/// A process uses one device and one stream, in which all work is queued in order. Errors of CUDA are thrown
/// as ErrorCode::environment with CUDA's own name for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/allocator.h"
#include "core/device.h"

namespace salu {

/// Statistics of the allocator of this device.
MemoryStats memory_of(Device device);

namespace gpu {

// The device.

const char* backend_name();           ///< "cuda", "cuda-host" for the shim, "" without CUDA
int device_count();                   ///< 0 without a driver
std::vector<std::string> describe();  ///< one line each for driver, toolkit, libraries and devices

struct OpenOptions {
  int device = 0;
  bool handwritten = false;   ///< use our kernels instead of cuDNN and cuBLAS
  bool tf32 = false;          ///< f32 products on tensor cores, with 10 bits of mantissa
  bool deterministic = true;  ///< use only library algorithms with reproducible bits
};
/// Registers the CUDA kernels of every op. Call once, before the first CUDA tensor. Throws ErrorCode::usage
/// in a build without CUDA, ErrorCode::environment when the device does not exist.
void open(const OpenOptions& options);
/// Selects cuDNN and cuBLAS, or our kernels, for the ops that have both. open() sets the first choice.
void use_libraries(bool on);
void use_device(int index);  ///< the first step of open()

struct DeviceInfo {
  std::string name;                       ///< "NVIDIA H200"; "host" under the shim
  int multiprocessors = 0;                ///< the persistent kernels launch a few blocks on each
  std::size_t shared_bytes = 227 * 1024;  ///< shared memory that one block may ask for
  std::size_t total_bytes = 0, free_bytes = 0;
};
DeviceInfo device_info();  ///< of the device in use

// Memory.

void* allocate_raw(std::size_t bytes);  ///< 256-byte aligned; null when memory is exhausted
void release_raw(void* block);
/// Device memory from a cache. A freed block is reused at once: the stream runs in order, so its next writer
/// runs after its last reader. Throws OutOfMemory.
std::shared_ptr<void> allocate(std::size_t bytes);
/// Pinned host memory, for copies that overlap with host work.
std::shared_ptr<void> allocate_pinned(std::size_t bytes);

// Copies.

void copy_to_device(void* to, const void* from, std::size_t bytes);  ///< returns when `from` may be reused
void copy_to_host(void* to, const void* from, std::size_t bytes);    ///< returns when `to` is filled
void copy_on_device(void* to, const void* from, std::size_t bytes);  ///< asynchronous
/// Asynchronous copy from pinned memory, which must stay unchanged until the stream has passed this point
/// (Event).
void queue_copy_to_device(void* to, const void* pinned, std::size_t bytes);
/// Asynchronous copy to pinned memory, complete once the stream has passed this point.
void queue_copy_to_host(void* pinned, const void* from, std::size_t bytes);

// The stream.

void synchronize();  ///< waits for all queued work; errors of earlier kernels surface here

/// A point in the stream.
class Event {
 public:
  Event();
  void record();      ///< marks the end of the work queued so far
  void wait() const;  ///< blocks the calling thread until the stream has passed the event
  double milliseconds_since(const Event& earlier) const;  ///< both events must have been passed

 private:
  std::shared_ptr<void> state_;  ///< opaque: belongs to the backend
};

/// A CUDA graph: work queued between begin() and end() is captured instead of run, and each replay() queues
/// it again. Its memory must stay in place. No synchronization and no allocation may happen during capture.
class Graph {
 public:
  void begin();
  void end();
  void replay();

 private:
  std::shared_ptr<void> state_;
};

/// True during the capture of a Graph.
bool recording();

/// Sets a number that kernels add to the step of every RandomKey, so that each replay of a graph draws new
/// random numbers. Queued like a kernel; not allowed during capture.
void set_step_offset(std::uint32_t offset);

// Several GPUs.

/// All-reduce over the GPUs of several processes. All ranks make the same calls in the same order.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  /// Queues an in-place all-reduce of device memory `values`. It starts after the work queued so far and
  /// overlaps with later work. `values` must not be touched before join().
  virtual void start(std::span<float> values) = 0;
  virtual void join() = 0;  ///< makes later work wait for all sums
};

/// A library for communication between GPUs.
struct DeviceSumsLibrary {
  const char* name;  ///< "NCCL"
  /// Identifies this GPU among those of its machine; "" when the library cannot be used.
  std::string (*place)();
  std::string (*make_id)();  ///< called by one rank; the id is shared with all
  std::unique_ptr<DeviceSums> (*connect)(const std::string& id, int rank, int ranks);
};
const DeviceSumsLibrary* device_sums_library();  ///< null: no such library

}  // namespace gpu
}  // namespace salu
