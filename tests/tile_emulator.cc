// SPDX-License-Identifier: MIT
#include "tests/tile_emulator.h"

#include <ucontext.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace salu::test {
namespace {

std::atomic<std::int64_t> count{0};

struct Tiles {
  bool configured = false;
  unsigned char bytes[8][16][64] = {};
};
thread_local constinit Tiles tiles;

float widened(std::uint16_t v) {
  const std::uint32_t bits = static_cast<std::uint32_t>(v) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
float flushed(float f) { return std::fabs(f) < 0x1p-126f ? std::copysign(0.0f, f) : f; }

/// The operation of TDPBF16PS in the Intel manual, line by line: temp1 has the sums of the even and of the
/// odd numbers of the pairs.
void dot_product(int c, int a, int b) {
  std::uint16_t left[16][32], right[16][32];
  float sums[16][16];
  std::memcpy(left, tiles.bytes[a], sizeof left);
  std::memcpy(right, tiles.bytes[b], sizeof right);
  std::memcpy(sums, tiles.bytes[c], sizeof sums);
  for (int m = 0; m < 16; ++m) {
    float temp1[32] = {};
    for (int k = 0; k < 16; ++k) {
      for (int n = 0; n < 16; ++n) {
        for (int odd = 0; odd < 2; ++odd) {
          float& sum = temp1[2 * n + odd];
          sum = flushed(
              std::fma(flushed(widened(left[m][2 * k + odd])), flushed(widened(right[k][2 * n + odd])), sum));
        }
      }
    }
    for (int n = 0; n < 16; ++n) {
      sums[m][n] = flushed(flushed(sums[m][n]) + flushed(temp1[2 * n] + temp1[2 * n + 1]));
    }
  }
  std::memcpy(tiles.bytes[c], sums, sizeof sums);
}

/// Palette 1, and eight tiles of 16 rows of 64 bytes, as the kernels want them.
void configure(const unsigned char* memory) {
  bool right = memory[0] == 1 && memory[1] == 0;
  for (int tile = 0; tile < 8; ++tile) {
    right = right && memory[16 + 2 * tile] == 64 && memory[17 + 2 * tile] == 0 && memory[48 + tile] == 16;
  }
  if (!right) std::abort();
  tiles = {};
  tiles.configured = true;
}

constexpr int kRegisters[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/// A VEX-coded instruction of three prefix bytes.
struct Instruction {
  const unsigned char* code;
  greg_t* registers;

  int prefix() const { return code[2] & 3; }  ///< 0: none, 1: 66, 2: F3, 3: F2
  int opcode() const { return code[3]; }
  int mod() const { return code[4] >> 6; }
  int reg() const { return code[4] >> 3 & 7; }
  int rm() const { return code[4] & 7; }
  int third() const { return ~code[2] >> 3 & 15; }
  bool has_sib() const { return mod() != 3 && rm() == 4; }
  int displacement_bytes() const { return mod() == 1 ? 1 : mod() == 2 ? 4 : 0; }
  int length() const { return 5 + has_sib() + displacement_bytes(); }

  /// A row's distance, the scaled index of the address.
  std::int64_t index() const {
    const int number = (code[5] >> 3 & 7) | (code[1] & 0x40 ? 0 : 8);
    return number == 4 ? 0 : static_cast<std::int64_t>(registers[kRegisters[number]]) << (code[5] >> 6);
  }
  unsigned char* base() const {
    const int number = (has_sib() ? code[5] & 7 : rm()) | (code[1] & 0x20 ? 0 : 8);
    if (mod() == 0 && (number & 7) == 5) std::abort();  // no base: the kernels have no such address
    std::int32_t displacement = 0;
    const unsigned char* at = code + 5 + has_sib();
    if (displacement_bytes() == 1) displacement = static_cast<signed char>(*at);
    if (displacement_bytes() == 4) std::memcpy(&displacement, at, sizeof displacement);
    return reinterpret_cast<unsigned char*>(registers[kRegisters[number]]) + displacement;
  }
};

bool execute(const Instruction& i) {
  if (i.code[0] != 0xc4 || (i.code[1] & 31) != 2) return false;
  if (i.opcode() == 0x49 && i.prefix() == 0) {  // LDTILECFG, TILERELEASE
    if (i.mod() == 3) {
      tiles.configured = false;
    } else {
      configure(i.base() + (i.has_sib() ? i.index() : 0));
    }
    return true;
  }
  if (!tiles.configured) std::abort();
  if (i.opcode() == 0x49 && i.prefix() == 3) {  // TILEZERO
    std::memset(tiles.bytes[i.reg()], 0, sizeof tiles.bytes[0]);
  } else if (i.opcode() == 0x4b && i.has_sib()) {  // TILELOADD, TILELOADDT1, TILESTORED
    for (int row = 0; row < 16; ++row) {
      unsigned char *memory = i.base() + row * i.index(), *tile = tiles.bytes[i.reg()][row];
      std::memcpy(i.prefix() == 2 ? memory : tile, i.prefix() == 2 ? tile : memory, 64);
    }
  } else if (i.opcode() == 0x5c && i.prefix() == 2 && i.mod() == 3) {  // TDPBF16PS
    dot_product(i.reg(), i.rm(), i.third());
  } else {
    return false;
  }
  return true;
}

void answer(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const Instruction instruction{reinterpret_cast<const unsigned char*>(registers[REG_RIP]), registers};
  if (!execute(instruction)) std::abort();
  registers[REG_RIP] += instruction.length();
  ++count;
}

}  // namespace

TileEmulator::TileEmulator() {
  struct sigaction action {};
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, &before_);
}
TileEmulator::~TileEmulator() { sigaction(SIGILL, &before_, nullptr); }
std::int64_t TileEmulator::executed() { return count; }

}  // namespace salu::test
