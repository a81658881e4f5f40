// SPDX-License-Identifier: MIT
/// The attribute of functions shared by CPU code and CUDA kernels.
#pragma once

#if defined(__CUDACC__)
#define SALU_HOST_DEVICE __host__ __device__
#else
#define SALU_HOST_DEVICE
#endif
