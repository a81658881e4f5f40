// SPDX-License-Identifier: MIT
#include "cuda/runtime/library.h"

#include <optional>

namespace salu::cuda {
namespace {

std::optional<LibraryKernels> installed;
KernelChoice chosen = KernelChoice::library;

}  // namespace

void install_library(const LibraryKernels& kernels) { installed = kernels; }
void set_kernel_choice(KernelChoice choice) { chosen = choice; }

const LibraryKernels* library() {
  return installed && chosen == KernelChoice::library ? &*installed : nullptr;
}

}  // namespace salu::cuda
