// SPDX-License-Identifier: MIT
#include "core/device_sums.h"

namespace salu {
namespace {

const DeviceSumsLibrary* installed = nullptr;

}  // namespace

const DeviceSumsLibrary* device_sums_library() { return installed; }
void install_device_sums(const DeviceSumsLibrary* library) { installed = library; }

}  // namespace salu
