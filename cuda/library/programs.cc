// SPDX-License-Identifier: MIT
/// The door of a build with CUDA.
#include <fmt/format.h>

#include "cuda/library/convolution.h"
#include "cuda/library/gemm.h"
#include "cuda/library/handles.h"
#include "cuda/library/nccl.h"
#include "cuda/runtime/cuda.h"
#include "cuda/runtime/library.h"
#include "cuda/runtime/runtime.h"
#include "cuda/runtime/runtime_cuda.h"

namespace salu::cuda {
namespace {

constexpr LibraryKernels kLibrary{
    library_matmul_forward, library_matmul_backward_a,     library_matmul_backward_b,
    library_linear_forward, library_linear_backward_input, library_linear_backward_weight,
    library_conv2d_forward, library_conv2d_backward_data,  library_conv2d_backward_weight};

/// 13020 -> "13.2"
std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

/// Asks by number: what makes a device the one in use would send later allocations there.
std::string describe_device(int index) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, index), "device properties");
  int driver = 0;
  check_cuda(cudaDriverGetVersion(&driver), "driver version");
  return fmt::format("device cuda:{}: {}, compute {}.{}, {} multiprocessors, {:.1f} GiB, driver {}", index,
                     properties.name, properties.major, properties.minor, properties.multiProcessorCount,
                     static_cast<double>(properties.totalGlobalMem) / (1 << 30), version(driver));
}

}  // namespace

const char* program_backend() { return "cuda"; }
int program_devices() { return device_count(); }

void open(const ProgramOptions& options) {
  install(options.device);
  install_library(kLibrary);
  install_nccl();
  set_kernel_choice(options.handwritten ? KernelChoice::handwritten : KernelChoice::library);
  library_options().tf32 = options.tf32;
  library_options().deterministic = options.deterministic;
}

std::vector<std::string> describe() {
  const std::size_t cudnn = cudnnGetVersion(), cublas = cublasLtGetVersion();
  std::vector<std::string> lines{fmt::format("CUDA: runtime {}, cuDNN {}.{}.{}, cuBLASLt {}.{}.{}",
                                             version(CUDART_VERSION), cudnn / 10000, cudnn / 100 % 100,
                                             cudnn % 100, cublas / 10000, cublas / 100 % 100, cublas % 100)};
  const int count = device_count();
  if (count == 0) lines.push_back("devices: none (no NVIDIA driver, or no GPU)");
  for (int i = 0; i < count; ++i) lines.push_back(describe_device(i));
  return lines;
}

}  // namespace salu::cuda
