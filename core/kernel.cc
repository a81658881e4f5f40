// SPDX-License-Identifier: MIT
#include "core/kernel.h"

#include "core/dtype.h"
#include "core/error.h"

namespace salu {

void fail_no_kernel(const char* name) {
  fail(ErrorCode::usage, "{}: this build has no CUDA (configure with -Dcuda=enabled)", name);
}

void fail_dtype(const char* op, const char* expected, DType got) {
  fail(ErrorCode::internal, "[{}] expected dtype {}, got {}", op, expected, dtype_name(got));
}

}  // namespace salu
