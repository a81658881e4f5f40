// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "train/ranks/communicator.h"

namespace salu {

std::unique_ptr<Communicator> connect_ranks(const RankOptions&) {
  if (const int ranks = launched_ranks(); ranks > 1) {
    fail(ErrorCode::usage,
         "mpirun: it started {} processes, and this build has no MPI; expected one. Install an MPI and "
         "configure with -Dmpi=enabled",
         ranks);
  }
  return std::make_unique<SingleRank>();
}

}  // namespace salu
