// SPDX-License-Identifier: MIT
/// What core/gpu.h says about a program's choice of device and kernels, on a GPU.
#include <cublasLt.h>
#include <cudnn.h>
#include <fmt/format.h>

#include "core/gpu.h"
#include "core/ops/conv2d.h"
#include "core/ops/products.h"
#include "cuda/library/convolution.h"
#include "cuda/library/gemm.h"
#include "cuda/library/handles.h"
#include "cuda/register_ops.h"
#include "cuda/runtime/runtime.h"

namespace salu {
namespace {

/// 13020 -> "13.2"
std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

/// Queries by number: a device that became current would receive later allocations.
std::string describe_device(int index) {
  cudaDeviceProp properties{};
  cuda::check_cuda(cudaGetDeviceProperties(&properties, index), "device properties");
  int driver = 0;
  cuda::check_cuda(cudaDriverGetVersion(&driver), "driver version");
  return fmt::format("device cuda:{}: {}, compute {}.{}, {} multiprocessors, {:.1f} GiB, driver {}", index,
                     properties.name, properties.major, properties.minor, properties.multiProcessorCount,
                     static_cast<double>(properties.totalGlobalMem) / (1 << 30), version(driver));
}

void register_libraries() {
  constexpr DeviceType kCuda = DeviceType::cuda;
  matmul_kernels.forward.set(kCuda, cuda::library_matmul_forward);
  matmul_kernels.backward_a.set(kCuda, cuda::library_matmul_backward_a);
  matmul_kernels.backward_b.set(kCuda, cuda::library_matmul_backward_b);
  linear_kernels.forward.set(kCuda, cuda::library_linear_forward);
  linear_kernels.backward_input.set(kCuda, cuda::library_linear_backward_input);
  linear_kernels.backward_weight.set(kCuda, cuda::library_linear_backward_weight);
  conv2d_kernels.forward.set(kCuda, cuda::library_conv2d_forward);
  conv2d_kernels.backward_data.set(kCuda, cuda::library_conv2d_backward_data);
  conv2d_kernels.backward_weight.set(kCuda, cuda::library_conv2d_backward_weight);
}

}  // namespace

void gpu::use_libraries(bool on) {
  cuda::register_ops();
  if (on) register_libraries();
}

void gpu::open(const OpenOptions& options) {
  use_device(options.device);
  use_libraries(!options.handwritten);
  cuda::library_options() = {.deterministic = options.deterministic, .tf32 = options.tf32};
}

std::vector<std::string> gpu::describe() {
  const std::size_t cudnn = cudnnGetVersion(), cublas = cublasLtGetVersion();
  std::vector<std::string> lines{fmt::format("CUDA: runtime {}, cuDNN {}.{}.{}, cuBLASLt {}.{}.{}",
                                             version(CUDART_VERSION), cudnn / 10000, cudnn / 100 % 100,
                                             cudnn % 100, cublas / 10000, cublas / 100 % 100, cublas % 100)};
  const int count = device_count();
  if (count == 0) lines.push_back("devices: none (no NVIDIA driver, or no GPU)");
  for (int i = 0; i < count; ++i) lines.push_back(describe_device(i));
  return lines;
}

}  // namespace salu
