// SPDX-License-Identifier: MIT
/// What a smaller batch may help against.
#pragma once

#include "core/error.h"

namespace salu {

/// The host or a device has no more memory.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(ErrorCode::environment, message) {}
};

}  // namespace salu
