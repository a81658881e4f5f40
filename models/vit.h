// SPDX-License-Identifier: MIT
#pragma once

#include "models/family.h"

namespace salu {

/// The vision transformer (Dosovitskiy et al. 2021): class token, learnt positions, pre-norm blocks, norm on
/// the class token, linear head. 12 blocks, patches of 16x16 pixels, heads of 64 channels, an MLP of four
/// times the width. Parameter names are timm's.
Architecture vit(std::int64_t width);

/// The transformer of the ViT-CIFAR benchmark (omihub777/ViT-CIFAR), on which the paper builds: 8x8 patches
/// per image, attention scaled by 1/sqrt(width), an MLP as wide as the tokens with an activation after both
/// of its layers, tokens drawn from N(0, 1).
Architecture vit_cifar();

}  // namespace salu
