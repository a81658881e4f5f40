// SPDX-License-Identifier: MIT
#include "core/ops/salu.h"

#include "autograd/functions.h"
#include "tests/samples/salu_family.h"

namespace salu::test {

OpEntry salu_entry() { return one_pair_entry("salu", salu, salu_forward, salu_backward, paper_salu); }

}  // namespace salu::test
