// SPDX-License-Identifier: MIT
#include "core/ops/norm.h"

namespace salu {

void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_shape(op, name, t, {x.dim(-1)});
  check_parameter(op, name, t, x);
}

}  // namespace salu
