// SPDX-License-Identifier: MIT
#include "run/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "data/files.h"

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

constexpr int kMaxNumbers = 8;  // limit for a shape

template <class... Args>
[[noreturn]] void refuse(const std::string& where, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::checkpoint, "{}: {}", where, fmt::format(format, std::forward<Args>(args)...));
}

/// The beginning of a value, for a message.
std::string shown_value(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 60);
}

/// "[json.exception.out_of_range.403] key 'dtype' not found" without its tag.
std::string reason(const Json::exception& error) {
  std::string_view what = error.what();
  if (const auto tag = what.find("] "); tag != what.npos) what.remove_prefix(tag + 2);
  return std::string(what.substr(0, 160));
}

std::string label(const std::string& name) { return name == "__metadata__" ? name : "tensor " + name; }

/// A first pass over the text: a tree keeps the last of two equal keys without a word, and a hostile header
/// must not make it deep or large. Allowed is {name: {field: value or [numbers]}}.
class Guard : public Json::json_sax_t {
 public:
  explicit Guard(const std::string& file) : file_(file) {}
  const std::vector<std::string>& names() const { return names_; }  ///< keys of the outer object, in order

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(std::int64_t) override { return value(); }
  bool number_unsigned(std::uint64_t) override { return value(); }
  bool number_float(double, const std::string&) override { return value(); }
  bool string(std::string&) override { return value(); }
  bool binary(Json::binary_t&) override { return value(); }
  bool end_object() override { return --depth_, true; }
  bool end_array() override { return --depth_, true; }

  bool start_object(std::size_t) override {
    if (depth_ > 1) refuse(file_, "{}: found an object; expected a string or whole numbers", place(depth_));
    return ++depth_, true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2) refuse(file_, "{}: found an array; expected an object", place(depth_));
    return ++depth_, true;
  }

  bool key(std::string& name) override {
    values_ = 0;
    depth_ == 1 ? outer_key(name) : inner_key(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    refuse(file_, "header is not valid JSON at byte {} ({})", position, reason(error));
  }

 private:
  bool value() {
    if (++values_ > kMaxNumbers) refuse(file_, "{}: more than {} numbers", place(2), kMaxNumbers);
    return true;
  }

  void outer_key(const std::string& name) {
    if (!is_tensor_name(name)) {
      refuse(file_, "tensor name '{}': expected 1 to {} printable characters", name.substr(0, 80),
             kMaxNameBytes);
    }
    if (names_.size() > kMaxTensors + 1) refuse(file_, "header: too many keys");
    if (!seen_.insert(name).second) refuse(file_, "{}: two entries of this name", label(name));
    names_.push_back(name);
    keys_.clear();
  }

  void inner_key(const std::string& name) {
    field_ = name.substr(0, 80);
    const bool metadata = names_.back() == "__metadata__";
    if (keys_.size() == (metadata ? kMaxMetadata : 3)) refuse(file_, "{}: too many keys", place(1));
    if (!keys_.insert(name).second) refuse(file_, "{}: key given twice", place(2));
  }

  /// "tensor conv1.weight: shape"
  std::string place(int depth) const {
    if (names_.empty()) return "header";
    return label(names_.back()) + (depth > 1 ? ": " + field_ : "");
  }

  const std::string& file_;
  std::vector<std::string> names_;
  std::set<std::string> seen_, keys_;  // keys_: of the inner object
  std::string field_;
  int values_ = 0;  // since the last key
  int depth_ = 0;
};

std::vector<std::uint64_t> whole_numbers(const Json& array, const std::string& where) {
  if (!std::ranges::all_of(array, [](const Json& n) { return n.is_number_unsigned(); })) {
    refuse(where, "found {}; expected whole numbers >= 0", shown_value(array));
  }
  return array.get<std::vector<std::uint64_t>>();
}

/// The product of the dimensions and `element`; throws when it does not fit a signed 64-bit number.
std::uint64_t byte_count(std::uint64_t element, const std::vector<std::uint64_t>& dims,
                         const std::string& where) {
  std::uint64_t bytes = element;
  bool fits = true;
  for (const std::uint64_t d : dims) {
    fits = fits && d >> 63 == 0 && !__builtin_mul_overflow(bytes, d, &bytes) && bytes >> 63 == 0;
  }
  if (!fits) refuse(where, "shape {} has more than 2^63 bytes", Json(dims).dump());
  return bytes;
}

Shape to_shape(const std::vector<std::uint64_t>& dims, const std::string& where) {
  if (dims.size() > Shape::kMaxRank) {
    refuse(where, "shape {} has {} dimensions; this build reads tensors of at most {}", Json(dims).dump(),
           dims.size(), Shape::kMaxRank);
  }
  const auto at = [&](std::size_t i) { return static_cast<std::int64_t>(dims[i]); };
  if (dims.empty()) return {};
  if (dims.size() == 1) return {at(0)};
  if (dims.size() == 2) return {at(0), at(1)};
  return dims.size() == 3 ? Shape{at(0), at(1), at(2)} : Shape{at(0), at(1), at(2), at(3)};
}

SafetensorsEntry read_entry(const std::string& name, const Json& fields, const std::string& where) {
  if (!fields.is_object()) refuse(where, "found {}; expected an object", shown_value(fields));
  const Json &dtype = fields.at("dtype"), &shape = fields.at("shape"), &range = fields.at("data_offsets");
  if (fields.size() != 3) refuse(where, "unknown fields; expected dtype, shape and data_offsets alone");
  const auto* type = std::ranges::find_if(kTypes, [&](const StoredType& t) { return dtype == t.name; });
  if (type == std::end(kTypes)) {
    refuse(where, "dtype is {}; expected F64, F32, F16, BF16, I64, I32 or U8", shown_value(dtype));
  }
  SafetensorsEntry entry{.name = name, .dtype = type->dtype, .half = type->half};
  const auto dims = whole_numbers(shape, where + ": shape"),
             offsets = whole_numbers(range, where + ": data_offsets");
  const std::uint64_t bytes = byte_count(entry.element_bytes(), dims, where);
  entry.shape = to_shape(dims, where);
  if (offsets.size() != 2) refuse(where, "data_offsets {}; expected two numbers", range.dump());
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    refuse(where, "data_offsets {}; expected {} bytes for {} x {}", range.dump(), grouped(bytes),
           shape.dump(), type->name);
  }
  return entry;
}

/// The most likely kind of a file that is not a checkpoint.
std::string kind_of(std::span<const std::byte> bytes) {
  constexpr std::size_t kLooked = 262;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kLooked));
  const char* convert = ". Convert it to safetensors with Python: pickles are never read here";
  if (text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) {
    return fmt::format(": it is a Python pickle{}", convert);
  }
  const std::string_view kind = kind_of_file(text);
  if (kind.empty()) return "";
  return fmt::format(": it is {}{}", kind,
                     kind == "a zip archive" ? fmt::format(" (a .pth file?){}", convert) : "");
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < 8) {
    refuse(file, "is not a salu checkpoint: it has {} bytes; expected at least 10{}", bytes.size(),
           kind_of(bytes));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length < 2 || length > kMaxHeaderBytes) {
    refuse(file, "is not a salu checkpoint{} (header length {}; expected 2..{})", kind_of(bytes), length,
           grouped(kMaxHeaderBytes));
  }
  if (length > bytes.size() - 8) {
    refuse(file, "truncated: {} of at least {} bytes (header length {})", grouped(bytes.size()),
           grouped(8 + length), length);
  }
  return {reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length)};
}

/// Checks rules that the JSON library does not check, or only after using memory.
void check_text(std::string_view text, const std::string& file) {
  if (text.front() != '{') {
    refuse(file, "is not a salu checkpoint: the header starts with '{}'; expected '{{'", text.substr(0, 8));
  }
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (text[last] != '}') {
    refuse(file, "header ends with '{}'; expected '}}' and blanks", text.substr(last, 1));
  }
  std::size_t quote = 0;
  for (std::size_t i = 0; i <= last; ++i) {
    if (i - quote > kMaxStringBytes) {
      refuse(file, "header has a string or gap of more than {} bytes at byte {}", grouped(kMaxStringBytes),
             quote);
    }
    if (text[i] == '\\') {
      ++i;  // skips an escaped quote
    } else if (text[i] == '"') {
      quote = i;
    }
  }
}

/// Puts the tensors in the order of their data, which need not be that of the keys, and checks that they fill
/// the file.
void check_offsets(SafetensorsHeader& header, std::uint64_t file_bytes, const std::string& file) {
  std::ranges::stable_sort(header.tensors, {},
                           [](const SafetensorsEntry& t) { return std::pair(t.begin, t.end); });
  const std::uint64_t have = file_bytes - header.data_begin;
  std::uint64_t end = 0;
  for (const SafetensorsEntry& t : header.tensors) {
    const std::string where = fmt::format("{}: {}", file, label(t.name));
    if (t.begin != end) {
      refuse(where, "data_offsets [{},{}] {} at {}; expected tensors without hole or overlap", t.begin, t.end,
             t.begin < end ? "overlap the tensor that ends" : "leave a hole after the tensor that ends", end);
    }
    end = t.end;
    if (end > have) {
      refuse(where, "truncated: the file has {} bytes, this tensor ends at {}", grouped(file_bytes),
             grouped(header.data_begin + end));
    }
  }
  if (have > end) {
    refuse(file, "{} bytes after the last tensor, whose data_offsets end at {}", grouped(have - end), end);
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
  Guard guard(file);
  Json::sax_parse(text.begin(), text.end(), &guard);
  const Json tree = Json::parse(text);
  SafetensorsHeader header;
  header.data_begin = 8 + text.size();
  for (const std::string& name : guard.names()) {
    const std::string where = fmt::format("{}: {}", file, label(name));
    try {
      if (name == "__metadata__") {
        tree.at(name).get_to(header.metadata);
        continue;
      }
      if (header.tensors.size() == kMaxTensors) refuse(file, "header: more than {} tensors", kMaxTensors);
      header.tensors.push_back(read_entry(name, tree.at(name), where));
    } catch (const Json::exception& error) {
      refuse(where, "not valid ({})", reason(error));
    }
  }
  check_offsets(header, bytes.size(), file);
  return header;
}

}  // namespace salu
