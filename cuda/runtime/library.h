// SPDX-License-Identifier: MIT
/// The choice between NVIDIA's libraries and the kernels of this folder, for the ops that have both. The
/// libraries are reached through function pointers, so kernel files include none of their headers.
#pragma once

#include "core/ops/conv2d.h"
#include "core/ops/products.h"

namespace salu::cuda {

/// What a library offers, with the signatures of the ops' kernel tables; null: nothing, the hand-written
/// kernel runs.
struct LibraryKernels {
  decltype(MatmulKernels::forward)::Function matmul_forward = nullptr;
  decltype(MatmulKernels::backward_a)::Function matmul_backward_a = nullptr;
  decltype(MatmulKernels::backward_b)::Function matmul_backward_b = nullptr;
  decltype(LinearKernels::forward)::Function linear_forward = nullptr;
  decltype(LinearKernels::backward_input)::Function linear_backward_input = nullptr;
  decltype(LinearKernels::backward_weight)::Function linear_backward_weight = nullptr;
  decltype(Conv2dKernels::forward)::Function conv2d_forward = nullptr;
  decltype(Conv2dKernels::backward_data)::Function conv2d_backward_data = nullptr;
  decltype(Conv2dKernels::backward_weight)::Function conv2d_backward_weight = nullptr;
};

/// Makes the library's kernels available; they are used unless handwritten ones are chosen.
void install_library(const LibraryKernels& kernels);

enum class KernelChoice { library, handwritten };
void set_kernel_choice(KernelChoice choice);

/// The installed library; null when there is none, or handwritten kernels are chosen.
const LibraryKernels* library();

/// One entry of it, null when there is none: `library_kernel(&LibraryKernels::matmul_forward)`.
template <class Function>
Function library_kernel(Function LibraryKernels::*entry) {
  const LibraryKernels* kernels = library();
  return kernels ? kernels->*entry : nullptr;
}

}  // namespace salu::cuda
