// SPDX-License-Identifier: MIT
/// Sums over GPUs (core/gpu.h) by NCCL. It is loaded (libnccl.so.2) when several ranks ask for it, so that a
/// program does not need it to start.
#include <dlfcn.h>
#include <nccl.h>

#include <array>
#include <cstring>

#include "core/error.h"
#include "core/gpu.h"
#include "cuda/runtime/runtime.h"

namespace salu::cuda {
namespace {

/// The functions of the library; null when it is not installed.
struct Nccl {
  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRank) comm_init_rank = nullptr;
  decltype(&ncclCommDestroy) comm_destroy = nullptr;
  decltype(&ncclAllReduce) all_reduce = nullptr;
  decltype(&ncclGetErrorString) error_string = nullptr;

  bool complete() const {
    return get_unique_id && comm_init_rank && comm_destroy && all_reduce && error_string;
  }
};

const Nccl& nccl() {
  static const Nccl functions = [] {
    Nccl found;
    void* library = ::dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);  // never closed, because it has threads
    if (!library) return found;
    const auto find = [&]<class Function>(Function& function, const char* name) {
      function = reinterpret_cast<Function>(::dlsym(library, name));
    };
    find(found.get_unique_id, "ncclGetUniqueId");
    find(found.comm_init_rank, "ncclCommInitRank");
    find(found.comm_destroy, "ncclCommDestroy");
    find(found.all_reduce, "ncclAllReduce");
    find(found.error_string, "ncclGetErrorString");
    return found;
  }();
  return functions;
}

void check_nccl(ncclResult_t result, const char* what) {
  if (result != ncclSuccess) fail(ErrorCode::distributed, "[nccl] {}: {}", what, nccl().error_string(result));
}

/// The sums run in their own stream: those of the last layers overlap with the backward pass of the first.
class NcclSums : public gpu::DeviceSums {
 public:
  NcclSums(const ncclUniqueId& id, int rank, int ranks) {
    check_nccl(nccl().comm_init_rank(&comm_, ranks, id, rank), "cannot connect the GPUs");
    check_cuda(cudaStreamCreateWithFlags(&own_, cudaStreamNonBlocking), "cannot make a stream");
    for (cudaEvent_t* event : {&ready_, &done_}) {
      check_cuda(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "cannot make an event");
    }
  }
  ~NcclSums() override {
    if (own_) cudaStreamSynchronize(own_);
    if (comm_) nccl().comm_destroy(comm_);
    if (ready_) cudaEventDestroy(ready_);
    if (done_) cudaEventDestroy(done_);
    if (own_) cudaStreamDestroy(own_);
  }
  NcclSums(const NcclSums&) = delete;
  NcclSums& operator=(const NcclSums&) = delete;

  void start(std::span<float> values) override {
    check_cuda(cudaEventRecord(ready_, stream()), "cannot record the gradients");
    check_cuda(cudaStreamWaitEvent(own_, ready_), "cannot wait for the gradients");
    check_nccl(
        nccl().all_reduce(values.data(), values.data(), values.size(), ncclFloat, ncclSum, comm_, own_),
        "cannot start a sum");
  }

  void join() override {
    check_cuda(cudaEventRecord(done_, own_), "cannot record the sums");
    check_cuda(cudaStreamWaitEvent(stream(), done_), "cannot wait for the sums");
  }

 private:
  ncclComm_t comm_ = nullptr;
  cudaStream_t own_ = nullptr;
  cudaEvent_t ready_ = nullptr, done_ = nullptr;
};

std::string place() {
  if (!nccl().complete()) return "";
  int device = 0;
  std::array<char, 32> address{};
  check_cuda(cudaGetDevice(&device), "cannot ask for the device");
  check_cuda(cudaDeviceGetPCIBusId(address.data(), static_cast<int>(address.size()), device),
             "cannot ask for the device's address");
  return address.data();
}

std::string make_id() {
  ncclUniqueId id;
  check_nccl(nccl().get_unique_id(&id), "cannot make an id");
  return {id.internal, sizeof id.internal};
}

std::unique_ptr<gpu::DeviceSums> connect(const std::string& text, int rank, int ranks) {
  ncclUniqueId id;
  check(text.size() == sizeof id.internal, "[nccl] expected an id of {} bytes, got {}", sizeof id.internal,
        text.size());
  std::memcpy(id.internal, text.data(), text.size());
  return std::make_unique<NcclSums>(id, rank, ranks);
}

constexpr gpu::DeviceSumsLibrary kNccl{"NCCL", place, make_id, connect};

}  // namespace

}  // namespace salu::cuda

const salu::gpu::DeviceSumsLibrary* salu::gpu::device_sums_library() { return &cuda::kNccl; }
