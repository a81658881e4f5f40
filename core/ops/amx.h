// SPDX-License-Identifier: MIT
/// Convolution and linear layers in bf16 on the matrix unit (AMX). docs/tile-kernel.md explains the kernels.
///
/// Tensors are bf16, channels last; sums, biases and weight gradients are f32. Every sum is made by one
/// thread in an order that the shapes fix, so results do not depend on the number of threads.
#pragma once

#include "core/ops/options.h"
#include "core/simd/tile_kernels.h"
#include "core/tensor.h"

namespace salu::amx {

/// Whether the unit is there and should compute a pass that reads x, or dy, with so many images (of a linear
/// layer: rows). They are the rows of tiles, 32 together, zeros where there are fewer: the result is right
/// for any number, but for 1 to 3 the f32 path should be faster (calculated).
bool supports(const Tensor& x, std::int64_t images);

/// The instructions where the processor has them, else their software twin, which is for tests.
const TileKernels& tile_kernels();

/// The passes of conv2d (core/ops/conv2d.h). Tensors must not be empty.
void conv2d_forward(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options,
                    const TileKernels& kernels = tile_kernels());
void conv2d_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dOptions options,
                          const TileKernels& kernels = tile_kernels());
void conv2d_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x, Conv2dOptions options,
                            const TileKernels& kernels = tile_kernels());  ///< dw +=

/// The passes of linear (core/ops/products.h): x (...,C), w (N,C), b (N) f32 or undefined, y (...,N).
void linear_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                    const TileKernels& kernels = tile_kernels());
void linear_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w,
                           const TileKernels& kernels = tile_kernels());
void linear_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x,
                            const TileKernels& kernels = tile_kernels());  ///< dw +=

}  // namespace salu::amx
