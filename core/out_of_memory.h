// SPDX-License-Identifier: MIT
#pragma once

#include "core/error.h"

namespace salu {

/// Thrown when host or device memory runs out: a smaller batch may help.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(ErrorCode::environment, message) {}
};

}  // namespace salu
