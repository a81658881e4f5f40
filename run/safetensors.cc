// SPDX-License-Identifier: MIT
#include "run/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/crc32c.h"
#include "run/safetensors_header.h"

namespace salu {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie in memory");

namespace {

constexpr const char* kChecksum = "salu.crc32c.";

std::span<const std::byte> bytes_of(const Tensor& t) {
  return {static_cast<const std::byte*>(t.raw()), t.bytes()};
}

std::string checksum_text(std::span<const std::byte> bytes) { return fmt::format("{:08x}", crc32c(bytes)); }

/// A JSON string; bytes that are not UTF-8 become U+FFFD.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The reference writer's order: largest alignment first.
int dtype_rank(DType dtype) {
  constexpr DType order[] = {DType::i64, DType::f64, DType::f32, DType::i32, DType::bf16, DType::u8};
  return static_cast<int>(std::find(std::begin(order), std::end(order), dtype) - std::begin(order));
}

std::vector<const NamedTensor*> in_file_order(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& t : tensors) {
    check(is_tensor_name(t.name) && t.name != "__metadata__", "[safetensors] '{}' is no tensor name", t.name);
    check(t.tensor.defined() && t.tensor.device() == Device{}, "[safetensors] expected a host tensor for {}",
          t.name);
    order.push_back(&t);
  }
  std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const int ra = dtype_rank(a->tensor.dtype()), rb = dtype_rank(b->tensor.dtype());
    return ra != rb ? ra < rb : a->name < b->name;
  });
  return order;
}

std::string header_of(const std::vector<const NamedTensor*>& tensors,
                      std::map<std::string, std::string> metadata) {
  metadata["format"] = "pt";
  std::uint64_t offset = 0;
  std::string entries;
  for (const NamedTensor* t : tensors) {
    const bool fresh = metadata.emplace(kChecksum + t->name, checksum_text(bytes_of(t->tensor))).second;
    check(fresh, "[safetensors] two tensors are named {}", t->name);
    std::vector<std::int64_t> dims;
    for (int i = 0; i < t->tensor.shape().rank(); ++i) dims.push_back(t->tensor.dim(i));
    const std::uint64_t end = offset + t->tensor.bytes();
    entries += fmt::format(R"(,{}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", quoted(t->name),
                           safetensors_dtype(t->tensor.dtype()), nlohmann::json(dims).dump(), offset, end);
    offset = end;
  }
  std::string header = R"({"__metadata__":{)";
  for (const auto& [key, value] : metadata) {
    const std::string text = quoted(value);
    check(text.size() < kMaxStringBytes, "[safetensors] metadata {} has {} bytes: too long to be read back",
          key, text.size());
    if (header.back() != '{') header += ',';
    header += quoted(key);
    header += ':';
    header += text;
  }
  header += "}" + entries + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // aligns the data to a multiple of 8
  check(tensors.size() <= kMaxTensors && header.size() <= kMaxHeaderBytes,
        "[safetensors] {} tensors are too many", tensors.size());
  return header;
}

/// The value of an IEEE half: 1 sign, 5 exponent and 10 fraction bits.
float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: fraction x 2^-24
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

Tensor to_tensor(const SafetensorsEntry& entry, std::span<const std::byte> bytes) {
  Tensor t = Tensor::empty(entry.shape, entry.dtype);
  if (!entry.half) {
    if (!bytes.empty()) std::memcpy(t.raw(), bytes.data(), bytes.size());
    return t;
  }
  float* out = t.data<float>();
  for (std::size_t i = 0; 2 * i < bytes.size(); ++i) {
    std::uint16_t h;
    std::memcpy(&h, bytes.data() + 2 * i, sizeof h);
    out[i] = half_to_float(h);
  }
  return t;
}

}  // namespace

const Tensor* SafetensorsFile::find(const std::string& name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](auto& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &it->tensor;
}

FileDigest write_safetensors(FileOps& ops, const std::filesystem::path& path,
                             std::span<const NamedTensor> tensors,
                             const std::map<std::string, std::string>& metadata) {
  const auto order = in_file_order(tensors);
  const std::string header = header_of(order, metadata);
  const std::uint64_t length = header.size();
  FileWriter file(ops, path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const NamedTensor* t : order) file.write(bytes_of(t->tensor));
  return file.finish();
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& file) {
  SafetensorsHeader header = parse_safetensors_header(bytes, file);
  SafetensorsFile result;
  for (const SafetensorsEntry& entry : header.tensors) {
    const auto data = bytes.subspan(header.data_begin + entry.begin, entry.end - entry.begin);
    if (const auto sum = header.metadata.extract(kChecksum + entry.name);
        sum && sum.mapped() != checksum_text(data)) {
      fail(ErrorCode::checkpoint, "{}: tensor {}: checksum differs (file damaged)", file, entry.name);
    }
    result.tensors.push_back({entry.name, to_tensor(entry, data)});
  }
  result.metadata = std::move(header.metadata);
  return result;
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path, ErrorCode::checkpoint), shown(path));
}

}  // namespace salu
