// SPDX-License-Identifier: MIT
#include "core/ops/swalu.h"

#include "autograd/functions.h"
#include "tests/samples/salu_family.h"

namespace salu::test {

OpEntry swalu_entry() { return one_pair_entry("swalu", swalu, swalu_forward, swalu_backward, paper_swalu); }

}  // namespace salu::test
