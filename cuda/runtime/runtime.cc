// SPDX-License-Identifier: MIT
#include "cuda/runtime/runtime.h"

#include "core/out_of_memory.h"
#include "cuda/runtime/launch_shape.h"
#include "cuda/runtime/runtime_cuda.h"

namespace salu::cuda {
namespace {

bool recording_now = false;

}  // namespace

void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would report it again
  const std::string text =
      fmt::format("{}: {}: {}", what, cudaGetErrorName(status), cudaGetErrorString(status));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(text);
  throw Error(ErrorCode::environment, text);
}

cudaStream_t stream() {
  // Leaked on purpose: the driver may be gone when destructors of static objects run.
  static cudaStream_t created = [] {
    cudaStream_t s = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "create stream");
    return s;
  }();
  return created;
}

const char* backend_name() { return "cuda"; }

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();  // no driver: not an error of the next call
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
  DeviceInfo info;
  int device = 0;
  check_cuda(cudaGetDevice(&device), "device in use");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "device properties");
  info.name = properties.name;
  info.major = properties.major;
  info.minor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  info.shared_bytes = properties.sharedMemPerBlockOptin;
  check_cuda(cudaMemGetInfo(&info.free_bytes, &info.total_bytes), "device memory");
  check_cuda(cudaDriverGetVersion(&info.driver_version), "driver version");
  check_cuda(cudaRuntimeGetVersion(&info.runtime_version), "runtime version");
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

// Destructors release, also while the error of a failed kernel is under way, which every later call of CUDA
// repeats: to throw once more would end the program before that error is told.
void release_raw(void* block) {
  if (cudaFree(block) != cudaSuccess) cudaGetLastError();
}

void* allocate_pinned(std::size_t bytes) {
  void* block = nullptr;
  check_cuda(cudaMallocHost(&block, bytes), "allocate pinned memory");
  return block;
}

void release_pinned(void* block) {
  if (cudaFreeHost(block) != cudaSuccess) cudaGetLastError();  // silent, as release_raw
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

void fill_bytes(void* to, int byte, std::size_t bytes) {
  check_cuda(cudaMemsetAsync(to, byte, bytes, stream()), "fill device memory");
}

void queue_copy_to_device(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()), "queue copy to device");
}

void queue_copy_to_host(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()), "queue copy to host");
}

void synchronize() { check_cuda(cudaStreamSynchronize(stream()), "synchronize (an earlier kernel failed)"); }

Event::Event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreate(&event), "create event");
  handle_ = event;
}
Event::~Event() { cudaEventDestroy(static_cast<cudaEvent_t>(handle_)); }

void Event::record() {
  check_cuda(cudaEventRecord(static_cast<cudaEvent_t>(handle_), stream()), "record event");
}

bool Event::passed() const {
  const cudaError_t status = cudaEventQuery(static_cast<cudaEvent_t>(handle_));
  if (status == cudaErrorNotReady) return false;
  check_cuda(status, "query event");
  return true;
}

void Event::wait() const {
  check_cuda(cudaEventSynchronize(static_cast<cudaEvent_t>(handle_)), "wait for event");
}

double Event::milliseconds_since(const Event& earlier) const {
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(earlier.handle_),
                                  static_cast<cudaEvent_t>(handle_)),
             "time between events");
  return static_cast<double>(milliseconds);
}

struct Graph::State {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ~State() {
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
  }
};

Graph::Graph() : state_(std::make_unique<State>()) {}
Graph::~Graph() = default;

void Graph::begin() {
  state_ = std::make_unique<State>();
  recorded_ = false;
  check_cuda(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "begin recording a graph");
  recording_now = true;
}

void Graph::end() {
  recording_now = false;
  check_cuda(cudaStreamEndCapture(stream(), &state_->graph), "end recording a graph");
  check_cuda(cudaGraphInstantiate(&state_->executable, state_->graph, 0), "instantiate a graph");
  recorded_ = true;
}

void Graph::replay() { check_cuda(cudaGraphLaunch(state_->executable, stream()), "replay a graph"); }

bool recording() { return recording_now; }

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
