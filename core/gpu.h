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
int device_count();                   ///< 0 where there is no driver
std::vector<std::string> describe();  ///< a line for each of driver, toolkit, libraries and devices

struct OpenOptions {
  int device = 0;
  bool handwritten = false;   ///< no cuDNN and cuBLAS
  bool tf32 = false;          ///< f32 products on tensor cores, with 10 bits of mantissa
  bool deterministic = true;  ///< only library code that gives the same bits every time
};
/// Makes DeviceType::cuda usable: enters the kernels of every op into the kernel tables. Call once, before
/// the first CUDA tensor. Throws ErrorCode::usage in a build without CUDA, ErrorCode::environment when there
/// is no such device.
void open(const OpenOptions& options);
/// Which kernels run the ops that both have: those of cuDNN and cuBLAS, or our own. open() chooses first.
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
/// Device memory from a cache. Freed blocks are handed out again at once: the stream runs in order, so
/// whoever writes to the block next does so after its last reader. Throws OutOfMemory.
std::shared_ptr<void> allocate(std::size_t bytes);
/// Host memory that the device copies from and to while the host goes on.
std::shared_ptr<void> allocate_pinned(std::size_t bytes);

// Copies.

void copy_to_device(void* to, const void* from, std::size_t bytes);  ///< returns when `from` may be changed
void copy_to_host(void* to, const void* from, std::size_t bytes);    ///< returns when `to` is filled
void copy_on_device(void* to, const void* from, std::size_t bytes);  ///< queued
/// From pinned memory, which must stay unchanged until the stream has passed this point (Event).
void queue_copy_to_device(void* to, const void* pinned, std::size_t bytes);
/// To pinned memory, filled once the stream has passed this point.
void queue_copy_to_host(void* pinned, const void* from, std::size_t bytes);

// The stream.

void synchronize();  ///< waits until all queued work is done; errors of earlier kernels surface here

/// A point in the stream.
class Event {
 public:
  Event();
  void record();      ///< the point comes after all work queued so far
  void wait() const;  ///< blocks the calling thread until the stream has passed the point
  double milliseconds_since(const Event& earlier) const;  ///< both passed

 private:
  std::shared_ptr<void> state_;  ///< the implementation's
};

/// All work queued between begin() and end(): recorded, not run, and queued again by every replay(). The
/// memory it uses must stay where it is. Between the two nothing may wait for the device, nor ask for memory.
class Graph {
 public:
  void begin();
  void end();
  void replay();

 private:
  std::shared_ptr<void> state_;
};

/// True between begin() and end() of a Graph.
bool recording();

/// A number that kernels add to the step of every RandomKey: a replayed graph repeats its keys, and this
/// tells its steps apart. Queued like a kernel; not while a graph is recorded.
void set_step_offset(std::uint32_t offset);

// Several GPUs.

/// Sums over the GPUs of several processes. All ranks make the same calls in the same order.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  /// Queues an all-reduce of `values`, which are on the device: it starts after the work queued so far and
  /// overlaps with later work. They must not be touched before join().
  virtual void start(std::span<float> values) = 0;
  virtual void join() = 0;  ///< work queued from now on waits for all sums
};

/// A library by which GPUs talk to each other.
struct DeviceSumsLibrary {
  const char* name;  ///< "NCCL"
  /// Tells this GPU from the others of its machine; "" where the library cannot be used.
  std::string (*place)();
  std::string (*make_id)();  ///< by one rank, for all
  std::unique_ptr<DeviceSums> (*connect)(const std::string& id, int rank, int ranks);
};
const DeviceSumsLibrary* device_sums_library();  ///< null: none

}  // namespace gpu
}  // namespace salu
