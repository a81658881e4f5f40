// SPDX-License-Identifier: MIT
/// The device seam: everything that salunet asks of a GPU, without a CUDA header. Two libraries implement it:
/// cuda/runtime/runtime.cc over the CUDA runtime, and cuda/host/runtime.cc on the host, for machines without
/// a GPU.
///
/// There is one compute stream per process; all work is queued there in order. Every failure is thrown as
/// ErrorCode::environment with CUDA's own name for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace salu::cuda {

struct DeviceInfo {
  std::string name;                       ///< "NVIDIA H200"; "host" under the shim
  int major = 0, minor = 0;               ///< compute capability
  int multiprocessors = 0;                ///< the persistent kernels launch a few blocks on each
  std::size_t shared_bytes = 227 * 1024;  ///< shared memory that one block may ask for
  std::size_t total_bytes = 0, free_bytes = 0;
  int driver_version = 0, runtime_version = 0;  ///< 13000 for 13.0
};

/// "cuda", or "cuda-host" for the shim.
const char* backend_name();
int device_count();                     ///< 0 where there is no driver
void use_device(int index);             ///< throws ErrorCode::environment when there is no such device
DeviceInfo device_info();               ///< of the device in use
void* allocate_raw(std::size_t bytes);  ///< 256-byte aligned; null when memory is exhausted
void release_raw(void* block);
void* allocate_pinned(std::size_t bytes);  ///< host memory the device copies from without a detour
void release_pinned(void* block);

void copy_to_device(void* to, const void* from, std::size_t bytes);  ///< returns when `from` may be changed
void copy_to_host(void* to, const void* from, std::size_t bytes);    ///< returns when `to` is filled
void copy_on_device(void* to, const void* from, std::size_t bytes);
void fill_bytes(void* to, int byte, std::size_t bytes);
/// From pinned memory, which must stay unchanged until the stream has passed this point.
void queue_copy_to_device(void* to, const void* from, std::size_t bytes);
/// To pinned memory, filled once the stream has passed this point (Event).
void queue_copy_to_host(void* to, const void* from, std::size_t bytes);
void synchronize();  ///< waits for the stream; errors of earlier kernels surface here

/// A mark in the stream.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record();
  bool passed() const;                                    ///< true when the stream has reached the mark
  void wait() const;                                      ///< blocks the calling thread until then
  double milliseconds_since(const Event& earlier) const;  ///< both passed

 private:
  void* handle_;
};

/// A recorded sequence of everything queued between begin() and end(), replayed with one call. Memory must
/// stay where it is; nothing may wait for the device while recording.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void begin();
  void end();
  void replay();
  bool recorded() const { return recorded_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool recorded_ = false;
};

/// True between begin() and end() of a Graph.
bool recording();

}  // namespace salu::cuda
