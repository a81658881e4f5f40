// SPDX-License-Identifier: MIT
#include "run/safetensors_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/file_ops.h"

namespace salu {
namespace {

using Json = nlohmann::json;

struct StoredType {
  const char* name;
  DType dtype;
  bool half;
};
constexpr StoredType kTypes[] = {{"F64", DType::f64, false}, {"F32", DType::f32, false},
                                 {"F16", DType::f32, true},  {"BF16", DType::bf16, false},
                                 {"I64", DType::i64, false}, {"I32", DType::i32, false},
                                 {"U8", DType::u8, false}};

constexpr std::uint64_t kMaxCount = std::numeric_limits<std::int64_t>::max();

/// a * b, or false when it does not fit a signed 64-bit number.
bool checked_mul(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product) && product <= kMaxCount;
}

std::string shape_text(const std::vector<std::uint64_t>& dims) { return Json(dims).dump(); }

Shape to_shape(const std::vector<std::uint64_t>& d) {
  const auto at = [&](std::size_t i) { return static_cast<std::int64_t>(d[i]); };
  switch (d.size()) {
    case 0:
      return {};
    case 1:
      return {at(0)};
    case 2:
      return {at(0), at(1)};
    case 3:
      return {at(0), at(1), at(2)};
    default:
      return {at(0), at(1), at(2), at(3)};
  }
}

/// Receives the JSON event by event. A tree would keep the last of two equal keys without a word.
class HeaderHandler : public Json::json_sax_t {
 public:
  HeaderHandler(SafetensorsHeader& header, const std::string& file) : header_(header), file_(file) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(std::int64_t) override { return unexpected("a signed number"); }
  bool number_float(double, const std::string& text) override {
    return unexpected(fmt::format("the number {}", escaped(text.substr(0, 40))));
  }
  bool binary(Json::binary_t&) override { return unexpected("binary data"); }
  bool number_unsigned(std::uint64_t value) override;
  bool string(std::string& value) override;
  bool start_object(std::size_t) override;
  bool key(std::string& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override {
    where_ = Where::entry;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override;

 private:
  enum class Where { outside, top, metadata, entry, shape, offsets };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::checkpoint, "{}: {}", file_, fmt::format(format, std::forward<Args>(args)...));
  }
  /// "tensor conv1.weight" or "header".
  std::string place() const {
    if (where_ == Where::outside || where_ == Where::top) return "header";
    return where_ == Where::metadata ? "__metadata__" : "tensor " + escaped(entry_.name);
  }
  bool unexpected(const std::string& found) const;
  void start_entry();
  void finish_entry();
  void check_offsets(std::uint64_t bytes);

  SafetensorsHeader& header_;
  const std::string& file_;
  Where where_ = Where::outside;
  std::string key_;
  std::set<std::string> names_;  // keys of the top object
  SafetensorsEntry entry_;
  std::set<std::string> fields_;  // keys of the entry
  std::vector<std::uint64_t> dims_, offsets_;
};

bool HeaderHandler::unexpected(const std::string& found) const {
  switch (where_) {
    case Where::outside:
      refuse("header: found {}; expected an object", found);
    case Where::top:
      refuse("{} {}: found {}; expected an object", key_ == "__metadata__" ? "header" : "tensor",
             escaped(key_), found);
    case Where::metadata:
      refuse("__metadata__ {}: found {}; expected a string", escaped(key_), found);
    case Where::entry:
      refuse("{}: field {}: found {}; expected {}", place(), key_, found,
             key_ == "dtype" ? "a string" : "an array of whole numbers");
    default:
      refuse("{}: field {}: found {}; expected whole numbers >= 0", place(), key_, found);
  }
}

bool HeaderHandler::number_unsigned(std::uint64_t value) {
  if (where_ != Where::shape && where_ != Where::offsets) unexpected(fmt::format("the number {}", value));
  auto& numbers = where_ == Where::shape ? dims_ : offsets_;
  const std::size_t most = where_ == Where::shape ? 8 : 2;
  if (numbers.size() == most) {
    refuse("{}: field {}: more than {} numbers (it begins {})", place(), key_, most, shape_text(numbers));
  }
  numbers.push_back(value);
  return true;
}

bool HeaderHandler::string(std::string& value) {
  if (where_ == Where::metadata) {
    header_.metadata[key_] = std::move(value);
    return true;
  }
  if (where_ != Where::entry || key_ != "dtype") unexpected("a string");
  const auto type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](auto& t) { return value == t.name; });
  if (type == std::end(kTypes)) {
    refuse("{}: field dtype: '{}' is not supported; expected F64, F32, F16, BF16, I64, I32 or U8", place(),
           escaped(value.substr(0, 40)));
  }
  entry_.dtype = type->dtype;
  entry_.half = type->half;
  return true;
}

bool HeaderHandler::start_object(std::size_t) {
  if (where_ == Where::outside) {
    where_ = Where::top;
  } else if (where_ == Where::top && key_ == "__metadata__") {
    where_ = Where::metadata;
  } else if (where_ == Where::top) {
    start_entry();
  } else {
    unexpected("an object");
  }
  return true;
}

bool HeaderHandler::key(std::string& name) {
  if (where_ == Where::top) {
    if (!is_tensor_name(name)) {
      refuse("tensor name '{}': expected 1 to {} printable characters", escaped(name.substr(0, 80)),
             kMaxNameBytes);
    }
    if (!names_.insert(name).second) refuse("tensor {}: two entries of this name", escaped(name));
  } else if (where_ == Where::metadata) {
    if (header_.metadata.size() == kMaxMetadata) refuse("__metadata__: more than {} keys", kMaxMetadata);
    if (!header_.metadata.try_emplace(name).second) {
      refuse("__metadata__ {}: two values for this key", escaped(name.substr(0, 80)));
    }
  } else {
    if (name != "dtype" && name != "shape" && name != "data_offsets") {
      refuse("{}: unknown field '{}'; expected dtype, shape, data_offsets", place(),
             escaped(name.substr(0, 80)));
    }
    if (!fields_.insert(name).second) refuse("{}: field {} given twice", place(), name);
  }
  key_ = std::move(name);
  return true;
}

bool HeaderHandler::start_array(std::size_t) {
  if (where_ != Where::entry || key_ == "dtype") unexpected("an array");
  where_ = key_ == "shape" ? Where::shape : Where::offsets;
  return true;
}

bool HeaderHandler::end_object() {
  if (where_ == Where::entry) finish_entry();
  where_ = where_ == Where::top ? Where::outside : Where::top;
  return true;
}

void HeaderHandler::start_entry() {
  if (header_.tensors.size() == kMaxTensors) refuse("header: more than {} tensors", kMaxTensors);
  where_ = Where::entry;
  entry_ = {.name = key_};
  fields_.clear();
  dims_.clear();
  offsets_.clear();
}

void HeaderHandler::finish_entry() {
  for (const char* field : {"dtype", "shape", "data_offsets"}) {
    if (!fields_.contains(field)) refuse("{}: field {} is missing", place(), field);
  }
  if (offsets_.size() != 2) refuse("{}: field data_offsets: expected two numbers", place());
  std::uint64_t count = 1;
  for (std::uint64_t d : dims_) {
    if (d > kMaxCount || !checked_mul(count, d, count)) {
      refuse("{}: shape {} has more than 2^63 elements", place(), shape_text(dims_));
    }
  }
  std::uint64_t bytes = 0;
  if (!checked_mul(count, entry_.element_bytes(), bytes)) {
    refuse("{}: shape {} has more than 2^63 bytes", place(), shape_text(dims_));
  }
  if (dims_.size() > Shape::kMaxRank) {
    refuse("{}: shape {} has {} dimensions; this build reads tensors of at most {}", place(),
           shape_text(dims_), dims_.size(), Shape::kMaxRank);
  }
  check_offsets(bytes);
  entry_.shape = to_shape(dims_);
  header_.tensors.push_back(std::move(entry_));
}

void HeaderHandler::check_offsets(std::uint64_t bytes) {
  entry_.begin = offsets_[0];
  entry_.end = offsets_[1];
  const std::uint64_t last = header_.tensors.empty() ? 0 : header_.tensors.back().end;
  if (entry_.end < entry_.begin || entry_.end > kMaxCount) {
    refuse("{}: data_offsets [{},{}]: not a range", place(), entry_.begin, entry_.end);
  }
  if (entry_.end - entry_.begin != bytes) {
    refuse("{}: data_offsets [{},{}] hold {} bytes; expected {} for {} x {}", place(), entry_.begin,
           entry_.end, grouped(entry_.end - entry_.begin), grouped(bytes), shape_text(dims_),
           entry_.half ? "F16" : safetensors_dtype(entry_.dtype));
  }
  if (entry_.begin != last) {
    refuse("{}: data_offsets [{},{}] {} at {}; expected tensors in order, without hole or overlap", place(),
           entry_.begin, entry_.end,
           entry_.begin < last ? "overlap the tensor that ends" : "leave a hole after the tensor that ends",
           last);
  }
}

bool HeaderHandler::parse_error(std::size_t position, const std::string&, const Json::exception& error) {
  std::string_view text = error.what();  // "[json.exception.parse_error.101] parse error at …: what"
  if (const auto tag = text.find("] "); tag != text.npos) text.remove_prefix(tag + 2);
  refuse("header is not valid JSON at byte {} ({})", position, escaped(text.substr(0, 160)));
}

/// What a file that does not begin like ours most likely is.
std::string kind_of(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 8));
  const char* convert = ". Convert it to safetensors with Python: pickles are never read here";
  if (text.starts_with("PK\x03\x04")) return fmt::format(": it is a zip archive (a .pth file?){}", convert);
  if (text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) {
    return fmt::format(": it is a Python pickle{}", convert);
  }
  if (text.starts_with("\x1f\x8b")) return ": it is a gzip archive; unpack it first";
  return "";
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < 8) {
    fail(ErrorCode::checkpoint, "{}: is not a salu checkpoint: it has {} bytes; expected at least 10{}", file,
         bytes.size(), kind_of(bytes));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length < 2 || length > kMaxHeaderBytes) {
    fail(ErrorCode::checkpoint, "{}: is not a salu checkpoint{} (header length {}; expected 2..{})", file,
         kind_of(bytes), length, grouped(kMaxHeaderBytes));
  }
  if (length > bytes.size() - 8) {
    fail(ErrorCode::checkpoint, "{}: truncated: {} of at least {} bytes (header length {})", file,
         grouped(bytes.size()), grouped(8 + length), length);
  }
  return {reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length)};
}

/// What the JSON library lets pass, or would spend memory on before our handler sees it.
void check_text(std::string_view text, const std::string& file) {
  if (text.front() != '{') {
    fail(ErrorCode::checkpoint, "{}: is not a salu checkpoint: the header starts with '{}'; expected '{{'",
         file, escaped(text.substr(0, 8)));
  }
  const std::size_t last = text.find_last_not_of(' ');
  if (text[last] != '}') {
    fail(ErrorCode::checkpoint, "{}: header ends with '{}'; expected '}}' and spaces", file,
         escaped(text.substr(last, 1)));
  }
  std::size_t quote = 0;
  for (std::size_t i = 0; i <= last; ++i) {
    if (i - quote > kMaxStringBytes) {
      fail(ErrorCode::checkpoint, "{}: header has a string or gap of more than {} bytes at byte {}", file,
           grouped(kMaxStringBytes), quote);
    }
    if (text[i] == '\\') {
      ++i;  // an escaped quote ends nothing
    } else if (text[i] == '"') {
      quote = i;
    }
  }
}

}  // namespace

bool is_tensor_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

const char* safetensors_dtype(DType dtype) {
  return std::find_if(std::begin(kTypes), std::end(kTypes),
                      [&](auto& t) { return t.dtype == dtype && !t.half; })
      ->name;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text = header_text(bytes, file);
  check_text(text, file);
  SafetensorsHeader header;
  HeaderHandler handler(header, file);
  Json::sax_parse(text.begin(), text.end(), &handler);

  header.data_begin = 8 + text.size();
  const std::uint64_t have = bytes.size() - header.data_begin;
  const std::uint64_t want = header.tensors.empty() ? 0 : header.tensors.back().end;
  if (have < want) {
    const auto cut =
        std::find_if(header.tensors.begin(), header.tensors.end(), [&](auto& t) { return t.end > have; });
    fail(ErrorCode::checkpoint, "{}: truncated: {} of {} bytes (tensor {} has data_offsets [{},{}])", file,
         grouped(bytes.size()), grouped(header.data_begin + want), escaped(cut->name), cut->begin, cut->end);
  }
  if (have > want) {
    fail(ErrorCode::checkpoint, "{}: {} bytes after the last tensor, whose data_offsets end at {}", file,
         grouped(have - want), want);
  }
  return header;
}

}  // namespace salu
