// SPDX-License-Identifier: MIT
/// What a reader does with bytes that nobody meant for it: one function per format, and the loop that feeds
/// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace salu::fuzz {

using Bytes = std::vector<std::uint8_t>;

struct Target {
  const char* name;
  /// Reads the input. May throw salu::Error with one of `codes` and nothing else; what it finds wrong about
  /// an accepted input it reports with require().
  void (*run)(std::span<const std::uint8_t> input);
  std::vector<ErrorCode> codes;
  /// Inputs to begin with, beside the files in corpus/NAME.
  std::vector<Bytes> (*seeds)() = nullptr;
  /// Sets checksums and lengths right, so that a mutation reaches what stands behind them.
  void (*repair)(Bytes& input) = nullptr;
  /// Words that a mutation may write.
  std::vector<std::string> words = {};
};

/// All of them, the planted ones too.
std::vector<Target> targets();

void fuzz_jpeg(std::span<const std::uint8_t> input);
void fuzz_png(std::span<const std::uint8_t> input);
void fuzz_bmp(std::span<const std::uint8_t> input);
void fuzz_pnm(std::span<const std::uint8_t> input);
void fuzz_cifar(std::span<const std::uint8_t> input);
void fuzz_pack(std::span<const std::uint8_t> input);
void fuzz_safetensors(std::span<const std::uint8_t> input);
void fuzz_checkpoint(std::span<const std::uint8_t> input);
void fuzz_options(std::span<const std::uint8_t> input);

/// A target's groups, one function per file.
std::vector<Target> image_targets();
std::vector<Target> data_targets();
std::vector<Target> checkpoint_targets();
std::vector<Target> option_targets();
/// Readers with a bug each, for the test of the loop.
std::vector<Target> planted_targets();

/// Stops the loop with the input saved when `ok` is false.
void require(bool ok, const char* what);

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
inline std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace salu::fuzz
