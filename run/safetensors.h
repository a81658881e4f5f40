// SPDX-License-Identifier: MIT
/// safetensors files: written as the reference writer does, with a checksum per tensor; read strictly.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/file_ops.h"
#include "core/tensor.h"

namespace salu {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct SafetensorsFile {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< without the checksums

  /// nullptr when there is no tensor of this name.
  const Tensor* find(const std::string& name) const;
};

/// Writes host tensors, widest dtype first, then by name. `metadata` gets "format": "pt", which some loaders
/// require, and "salu.crc32c.<name>" per tensor. The file is durable on return; its folder entry is not.
FileDigest write_safetensors(FileOps& ops, const std::filesystem::path& path,
                             std::span<const NamedTensor> tensors,
                             const std::map<std::string, std::string>& metadata);

/// Throws ErrorCode::checkpoint when the file violates the format or a checksum differs. F16 tensors become
/// f32. The tensors own their memory.
SafetensorsFile read_safetensors(const std::filesystem::path& path);
/// read_safetensors() from memory; `file` is the name in messages.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& file);

}  // namespace salu
