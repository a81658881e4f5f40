// SPDX-License-Identifier: MIT
#include "core/ops/galu.h"

#include "autograd/functions.h"
#include "tests/samples/salu_family.h"

namespace salu::test {

OpEntry galu_entry() { return one_pair_entry("galu", galu, galu_forward, galu_backward, paper_galu); }

}  // namespace salu::test
