// SPDX-License-Identifier: MIT
/// The error of a failed allocation. A smaller batch may help.
#pragma once

#include "core/error.h"

namespace salu {

/// Thrown when host or device memory runs out.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(ErrorCode::environment, message) {}
};

}  // namespace salu
