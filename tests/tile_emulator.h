// SPDX-License-Identifier: MIT
/// Executes the six instructions of AMX on a processor that lacks them: it answers SIGILL, so that the very
/// machine code of the tile kernels is tested everywhere.
#pragma once

#include <csignal>
#include <cstdint>

namespace salu::test {

/// While alive, this process emulates tiles. A processor that has them executes them itself.
class TileEmulator {
 public:
  TileEmulator();
  ~TileEmulator();
  TileEmulator(const TileEmulator&) = delete;
  TileEmulator& operator=(const TileEmulator&) = delete;

  /// Instructions answered so far, in all threads; 0 where the processor has tiles.
  static std::int64_t executed();

 private:
  struct sigaction before_ {};
};

}  // namespace salu::test
