// SPDX-License-Identifier: MIT
#pragma once

namespace salu::cuda {

/// Makes NCCL the library of core/device_sums.h. It is loaded (libnccl.so.2) when several ranks ask for it,
/// so that a program does not need it to start. A build without its header installs nothing.
void install_nccl();

}  // namespace salu::cuda
