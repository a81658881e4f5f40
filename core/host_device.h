// SPDX-License-Identifier: MIT
/// The attribute of functions that CPU code and CUDA kernels share.
#pragma once

#if defined(__CUDACC__)
#define SALU_HOST_DEVICE __host__ __device__
#else
#define SALU_HOST_DEVICE
#endif
