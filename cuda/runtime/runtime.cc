// SPDX-License-Identifier: MIT
/// core/gpu.h over the CUDA runtime.
#include "cuda/runtime/runtime.h"

#include "core/gpu.h"
#include "core/out_of_memory.h"
#include "cuda/runtime/launch.h"

namespace salu::cuda {

void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears the error, which the next launch would report again
  const std::string text =
      fmt::format("{}: {}: {}", what, cudaGetErrorName(status), cudaGetErrorString(status));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(text);
  throw Error(ErrorCode::environment, text);
}

cudaStream_t stream() {
  // Never destroyed: the driver may be gone when static destructors run.
  static cudaStream_t created = [] {
    cudaStream_t s = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "create stream");
    return s;
  }();
  return created;
}

void launch_on_device(const char* name, const void* kernel, const LaunchShape& shape, void** arguments) {
  constexpr std::size_t kDefaultShared = 48 * 1024;
  if (shape.shared_bytes > kDefaultShared) {
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(shape.shared_bytes)),
               name);
  }
  const dim3 grid(static_cast<unsigned>(shape.blocks_x), static_cast<unsigned>(shape.blocks_y),
                  static_cast<unsigned>(shape.blocks_z));
  const dim3 block(static_cast<unsigned>(shape.threads_x), static_cast<unsigned>(shape.threads_y));
  check_cuda(cudaLaunchKernel(kernel, grid, block, arguments, shape.shared_bytes, stream()), name);
}

}  // namespace salu::cuda

namespace salu::gpu {

using cuda::check_cuda;
using cuda::stream;

namespace {

bool recording_now = false;

cudaEvent_t event_of(const std::shared_ptr<void>& state) { return static_cast<cudaEvent_t>(state.get()); }

struct RecordedGraph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ~RecordedGraph() {
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
  }
};

}  // namespace

const char* backend_name() { return "cuda"; }

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();  // clears the error: a missing driver must not fail the next call
  return 0;
}

void use_device(int index) {
  const int count = device_count();
  if (index < 0 || index >= count) {
    fail(ErrorCode::environment,
         "--device cuda:{}: this machine has {} CUDA devices. Use --device cpu, or salutrain --check to see "
         "what is missing",
         index, count);
  }
  check_cuda(cudaSetDevice(index), "use device");
  stream();
}

DeviceInfo device_info() {
  int device = 0;
  check_cuda(cudaGetDevice(&device), "device in use");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "device properties");
  DeviceInfo info{.name = properties.name,
                  .multiprocessors = properties.multiProcessorCount,
                  .shared_bytes = properties.sharedMemPerBlockOptin};
  check_cuda(cudaMemGetInfo(&info.free_bytes, &info.total_bytes), "device memory");
  return info;
}

void* allocate_raw(std::size_t bytes) {
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check_cuda(status, "allocate device memory");
  return block;
}

// Never throws. Destructors release blocks, also while the error of a failed kernel propagates. Every later
// CUDA call repeats that error; throwing it again would terminate the program before it is reported.
void release_raw(void* block) {
  if (cudaFree(block) != cudaSuccess) cudaGetLastError();
}

std::shared_ptr<void> allocate_pinned(std::size_t bytes) {
  void* block = nullptr;
  check_cuda(cudaMallocHost(&block, bytes), "allocate pinned memory");
  return {block, [](void* pinned) {
            if (cudaFreeHost(pinned) != cudaSuccess) cudaGetLastError();  // never throws, as release_raw
          }};
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()), "copy to device");
  synchronize();
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()), "copy to host");
  synchronize();
}

void copy_on_device(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "copy on device");
}

void queue_copy_to_device(void* to, const void* pinned, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, stream()), "queue copy to device");
}

void queue_copy_to_host(void* pinned, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDeviceToHost, stream()), "queue copy to host");
}

void synchronize() { check_cuda(cudaStreamSynchronize(stream()), "synchronize (an earlier kernel failed)"); }

Event::Event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreate(&event), "create event");
  state_ = std::shared_ptr<void>(event, [](void* e) { cudaEventDestroy(static_cast<cudaEvent_t>(e)); });
}

void Event::record() { check_cuda(cudaEventRecord(event_of(state_), stream()), "record event"); }

void Event::wait() const { check_cuda(cudaEventSynchronize(event_of(state_)), "wait for event"); }

double Event::milliseconds_since(const Event& earlier) const {
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, event_of(earlier.state_), event_of(state_)),
             "time between events");
  return static_cast<double>(milliseconds);
}

void Graph::begin() {
  state_ = std::make_shared<RecordedGraph>();
  check_cuda(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "begin recording a graph");
  recording_now = true;
}

void Graph::end() {
  RecordedGraph& recorded = *static_cast<RecordedGraph*>(state_.get());
  recording_now = false;
  check_cuda(cudaStreamEndCapture(stream(), &recorded.graph), "end recording a graph");
  check_cuda(cudaGraphInstantiate(&recorded.executable, recorded.graph, 0), "instantiate a graph");
}

void Graph::replay() {
  check_cuda(cudaGraphLaunch(static_cast<RecordedGraph*>(state_.get())->executable, stream()),
             "replay a graph");
}

bool recording() { return recording_now; }

}  // namespace salu::gpu
