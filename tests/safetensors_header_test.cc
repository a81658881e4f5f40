// SPDX-License-Identifier: MIT
/// Hostile files: each is refused with exit code 4 and a message that names the rule it breaks.
#include "run/safetensors_header.h"

#include <cstring>
#include <limits>

#include "core/rng.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

using namespace std::string_literals;

std::string with_length(std::uint64_t n, const std::string& rest) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &n, 8);
  return text + rest;
}
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return with_length(header.size(), header + std::string(data_bytes, 'd'));
}
/// A file with tensor `a`, whose fields are given as JSON.
std::string entry(const std::string& fields, std::size_t data_bytes = 8) {
  return file_of("{\"a\":{" + fields + "}}", data_bytes);
}
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets,
                   std::size_t data_bytes = 8) {
  return entry("\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets, data_bytes);
}
/// `dtype` is JSON.
std::string tensor_of(const std::string& dtype) {
  return entry("\"dtype\":" + dtype + ",\"shape\":[2],\"data_offsets\":[0,8]");
}
/// Two tensors of 4 bytes, b given, in 8 bytes of data.
std::string after_a(const std::string& b, std::size_t data_bytes = 8) {
  return file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":)" + b + "}", data_bytes);
}

std::string error_for(const std::string& text) {
  return error_of([&] { parse_safetensors_header(std::as_bytes(std::span(text)), "f"); });
}

struct Bad {
  const char* name;
  std::string file;
  const char* message;
};

const std::string kGood = tensor("F32", "[2]", "[0,8]");

std::vector<Bad> bad_starts() {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  return {
      {"empty", "", "is not a salu checkpoint: it has 0 bytes"},
      {"seven bytes", "1234567", "is not a salu checkpoint: it has 7 bytes"},
      {"zip", "PK\x03\x04 and more of it", "is not a salu checkpoint: it is a zip archive"},
      {"pickle", "\x80\x02}q\x01.abcdefgh", "is not a salu checkpoint: it is a Python pickle"},
      {"gzip", "\x1f\x8b\x08 and more", "is not a salu checkpoint: it is a gzip archive"},
      {"git-lfs pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
       "is not a salu checkpoint: it is a git-lfs pointer ('git lfs pull' fetches the file itself)"},
      {"web page", "<!DOCTYPE html>\n<html>", "is not a salu checkpoint: it is an HTML page"},
      {"text", "Hello, world. This is no file of ours", "is not a salu checkpoint"},
      {"only a length", with_length(2, ""), "truncated: 8 of at least 10 bytes (header length 2)"},
      {"length 0", with_length(0, "{}"), "header length 0; expected 2.."},
      {"length 1", with_length(1, "{}"), "header length 1; expected 2.."},
      {"length beyond the file", with_length(3, "{}"), "header length 3"},
      {"length above 100 MB", with_length(100'000'001, "{}"),
       "header length 100000001; expected 2..100,000,000"},
      {"length 2^63", with_length(std::uint64_t{1} << 63, "{}"), "header length 9223372036854775808"},
      {"length 2^64-1", with_length(most, "{}"), "header length 18446744073709551615"},
      {"length 2^64-8", with_length(most - 7, "{}"), "header length 18446744073709551608"},
  };
}

std::vector<Bad> bad_json() {
  std::string deep = R"({"a":)";
  for (int i = 0; i < 1'000'000; ++i) deep += '[';
  deep += '}';
  return {
      {"byte-order mark", file_of("\xef\xbb\xbf{}"), "header starts with '\\xef"},
      {"leading space", file_of(" {}"), "header starts with ' {}'"},
      {"an array", file_of("[{}]"), "header starts with '[{}]'"},
      {"NUL after the end", file_of("{}\0"s), "header ends with '\\x00'"},
      {"trailing object", file_of("{}{}"), "not valid JSON"},
      {"trailing text", file_of("{} x }"), "not valid JSON"},
      {"open brace", file_of("{{}"), "not valid JSON"},
      {"comment", file_of("{/*c*/}"), "not valid JSON"},
      {"trailing comma", file_of(R"({"__metadata__":{},})"), "not valid JSON"},
      {"bad UTF-8", file_of("{\"__metadata__\":{\"k\":\"\xff\"}}"), "not valid JSON"},
      {"overlong UTF-8", file_of("{\"__metadata__\":{\"k\":\"\xc0\x80\"}}"), "not valid JSON"},
      {"lone surrogate", file_of(R"({"__metadata__":{"k":"\ud800"}})"), "not valid JSON"},
      {"a million brackets", file_of(deep), "tensor a: found an array; expected an object"},
      {"deep objects", file_of(R"({"a":{"shape":{"b":{}}}})"), "tensor a: shape: found an object"},
      {"deep arrays", entry(R"("shape":[[[[[[[[[1]]]]]]]]])"), "tensor a: shape: found an array"},
      {"equal tensors", after_a(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{})"),
       "tensor a: two entries of this name"},
      {"equal tensors, one escaped",
       after_a(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]},"\u0061":{})"),
       "tensor a: two entries of this name"},
      {"equal fields", entry(R"("dtype":"F32","dtype":"F32")"), "tensor a: dtype: key given twice"},
      {"equal metadata", file_of(R"({"__metadata__":{"k":"1","k":"2"}})"),
       "__metadata__: k: key given twice"},
      {"two metadata", file_of(R"({"__metadata__":{},"__metadata__":{}})"),
       "__metadata__: two entries of this name"},
      {"metadata not an object", file_of(R"({"__metadata__":"x"})"),
       "__metadata__: not valid (type must be object, but is string)"},
      {"metadata with a number", file_of(R"({"__metadata__":{"k":1}})"),
       "__metadata__: not valid (type must be string, but is number)"},
      {"metadata with null", file_of(R"({"__metadata__":{"k":null}})"),
       "__metadata__: not valid (type must be string, but is null)"},
      {"metadata with an object", file_of(R"({"__metadata__":{"k":{}}})"),
       "__metadata__: k: found an object"},
      {"no name", file_of(R"({"":{}})"), "tensor name ''"},
      {"name with a newline", file_of(R"({"a\nb":{}})"), "tensor name 'a\\x0ab'"},
      {"name that is not ASCII", file_of(R"({"\u00e9":{}})"), "tensor name '\u00e9'"},
      {"name of 257 bytes", file_of("{\"" + std::string(257, 'n') + "\":{}}"), "expected 1 to 256 printable"},
      {"string of 2 MB", file_of(R"({"__metadata__":{"k":")" + std::string(2 << 20, 'x') + "\"}}"),
       "string or gap of more than 1,048,576 bytes"},
      {"string of 1 MB in escapes",
       file_of(R"({"__metadata__":{"k":")" + std::string(2 << 20, '\\') + "\"}}"),
       "string or gap of more than 1,048,576 bytes"},
      {"1 MB of spaces", file_of("{" + std::string(2 << 20, ' ') + "}"), "string or gap"},
  };
}

std::vector<Bad> bad_fields() {
  return {
      {"tensor is a number", file_of(R"({"a":1})"), "tensor a: found 1; expected an object"},
      {"tensor is true", file_of(R"({"a":true})"), "tensor a: found true; expected an object"},
      {"no fields", entry(""), "tensor a: not valid (key 'dtype' not found)"},
      {"no dtype", entry(R"("shape":[2],"data_offsets":[0,8])"),
       "tensor a: not valid (key 'dtype' not found)"},
      {"no shape", entry(R"("dtype":"F32","data_offsets":[0,8])"),
       "tensor a: not valid (key 'shape' not found)"},
      {"no offsets", entry(R"("dtype":"F32","shape":[2])"),
       "tensor a: not valid (key 'data_offsets' not found)"},
      {"unknown field", entry(R"("type":"F32","shape":[2],"data_offsets":[0,8])"),
       "tensor a: not valid (key 'dtype' not found)"},
      {"a field too many", entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1)"),
       "tensor a: too many keys"},
      {"unknown dtype", tensor("F8_E4M3", "[8]", "[0,8]"), "tensor a: dtype is \"F8_E4M3\"; expected F64"},
      {"lower-case dtype", tensor("f32", "[2]", "[0,8]"), "tensor a: dtype is \"f32\""},
      {"dtype is a number", tensor_of(R"(4)"), "tensor a: dtype is 4; expected F64"},
      {"dtype is an array", tensor_of(R"(["F32"])"), "tensor a: dtype is [\"F32\"]"},
      {"shape is a string", entry(R"("dtype":"F32","shape":"2","data_offsets":[0,8])"),
       "tensor a: shape: found \"2\"; expected whole numbers >= 0"},
      {"shape is a number", tensor("F32", "2", "[0,8]"), "not valid (type must be array, but is number)"},
      {"shape of strings", tensor("F32", R"(["2"])", "[0,8]"),
       "tensor a: shape: found [\"2\"]; expected whole numbers"},
      {"shape 1e3", tensor("F32", "[1e3]", "[0,8]"), "tensor a: shape: found [1000.0]"},
      {"shape 2.0", tensor("F32", "[2.0]", "[0,8]"), "tensor a: shape: found [2.0]"},
      {"shape -0", tensor("F32", "[-0]", "[0,8]"), "tensor a: shape: found [0]; expected whole numbers"},
      {"shape -2", tensor("F32", "[-2]", "[0,8]"), "tensor a: shape: found [-2]"},
      {"shape 2^64", tensor("F32", "[18446744073709551616]", "[0,8]"),
       "tensor a: shape: found [1.8446744073709552e+19]"},
      {"shape 02", tensor("F32", "[02]", "[0,8]"), "not valid JSON"},
      {"shape null", tensor("F32", "[null]", "[0,8]"), "tensor a: shape: found [null]"},
      {"rank 9", tensor("U8", "[1,1,1,1,1,1,1,1,8]", "[0,8]"), "tensor a: shape: more than 8 numbers"},
      {"rank 5", tensor("U8", "[1,1,1,1,8]", "[0,8]"),
       "shape [1,1,1,1,8] has 5 dimensions; this build reads"},
      {"count overflows", tensor("U8", "[4294967296,4294967296]", "[0,8]"),
       "tensor a: shape [4294967296,4294967296] has more than 2^63 bytes"},
      {"count wraps to 8", tensor("U8", "[9223372036854775812,2]", "[0,8]"), "has more than 2^63 bytes"},
      {"dimension above 2^63 in an empty tensor", tensor("U8", "[0,9223372036854775808]", "[0,0]", 0),
       "has more than 2^63 bytes"},
      {"bytes overflow", tensor("F64", "[2305843009213693953]", "[0,8]"),
       "tensor a: shape [2305843009213693953] has more than 2^63 bytes"},
  };
}

std::vector<Bad> bad_offsets() {
  const auto f32 = [](const std::string& offsets) { return tensor("F32", "[2]", offsets); };
  return {
      {"one offset", f32("[0]"), "tensor a: data_offsets [0]; expected two numbers"},
      {"three offsets", f32("[0,8,8]"), "tensor a: data_offsets [0,8,8]; expected two numbers"},
      {"begin after end", f32("[8,0]"), "tensor a: data_offsets [8,0]; expected 8 bytes"},
      {"end 2^64-1", f32("[0,18446744073709551615]"), "tensor a: data_offsets [0,18446744073709551615]"},
      {"range that wraps", f32("[18446744073709551615,7]"),
       "tensor a: data_offsets [18446744073709551615,7]"},
      {"too few bytes", f32("[0,4]"), "data_offsets [0,4]; expected 8 bytes for [2] x F32"},
      {"too many bytes", tensor("F32", "[1]", "[0,8]"), "data_offsets [0,8]; expected 4 bytes"},
      {"bytes for an empty tensor", tensor("F32", "[0]", "[0,8]"), "data_offsets [0,8]; expected 0 bytes"},
      {"scalar without bytes", tensor("F32", "[]", "[0,0]", 0),
       "data_offsets [0,0]; expected 4 bytes for [] x F32"},
      {"hole at the start", tensor("F32", "[1]", "[4,8]"), "data_offsets [4,8] leave a hole"},
      {"hole", after_a(R"({"dtype":"F32","shape":[1],"data_offsets":[8,12]})", 12),
       "tensor b: data_offsets [8,12] leave a hole"},
      {"overlap", after_a(R"({"dtype":"F32","shape":[1],"data_offsets":[2,6]})", 6),
       "tensor b: data_offsets [2,6] overlap"},
      {"alias", after_a(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4),
       "tensor b: data_offsets [0,4] overlap"},
      {"an empty tensor inside another", after_a(R"({"dtype":"F32","shape":[0],"data_offsets":[2,2]})", 4),
       "tensor b: data_offsets [2,2] overlap"},
      {"past the end", tensor("F32", "[2]", "[0,8]", 7),
       "tensor a: truncated: the file has 69 bytes, this tensor ends at 70"},
      {"no data at all", tensor("F32", "[250000000]", "[0,1000000000]", 0),
       "this tensor ends at 1,000,000,079"},
      {"bytes after the last", tensor("F32", "[2]", "[0,8]", 9),
       "1 bytes after the last tensor, whose data_offsets end at 8"},
      {"data without tensors", file_of("{}", 3), "3 bytes after the last tensor"},
  };
}

TEST_CASE("headers that break a rule are refused by name") {
  REQUIRE(error_for(kGood) == "no error");
  CHECK(error_for(file_of("{} \t\r\n")) ==
        "no error");  // blanks of JSON, as the reference library reads them
  int count = 0;
  for (const auto& group : {bad_starts(), bad_json(), bad_fields(), bad_offsets()}) {
    for (const Bad& bad : group) {
      const std::string error = error_for(bad.file);
      INFO(bad.name << ": " << error.substr(0, 300));
      CHECK(error.starts_with("4: f: "));
      CHECK(contains(error, bad.message));
      CHECK(error.size() < 500);
      CHECK(error == escaped(error));
      ++count;
    }
  }
  CHECK(count >= 40);
}

TEST_CASE("the keys may stand in another order than the data, as in files of other writers") {
  const std::string text = file_of(
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"__metadata__":{"k":"v"},)"
      R"("c":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      8);
  const SafetensorsHeader header = parse_safetensors_header(std::as_bytes(std::span(text)), "f");
  REQUIRE(header.tensors.size() == 3);
  CHECK(header.tensors[0].name == "a");
  CHECK(header.tensors[1].name == "c");
  CHECK(header.tensors[2].name == "b");
  CHECK(header.tensors[2].begin == 4);
  CHECK(header.metadata.at("k") == "v");
}

TEST_CASE("a hostile header is refused before it has grown in memory") {
  const auto repeated = [](std::size_t size, const std::string& begin, const std::string& part,
                           const std::string& end) {
    std::string text = begin;
    while (text.size() < size) text += part;
    return file_of(text + end);
  };
  const std::size_t small = 1'000'000, large = 50'000'000;
  const auto check_numbers = [&](const std::string& begin, const std::string& end, const char* message) {
    CHECK(contains(error_for(repeated(small, begin, ",1", end)), message));
    CHECK(
        contains(error_for(repeated(large, begin, ",1", end)), "string or gap of more than 1,048,576 bytes"));
  };
  check_numbers(R"({"a":{"shape":[1)", "]}}", "tensor a: shape: more than 8 numbers");
  check_numbers(R"({"a":[1)", "]}", "tensor a: found an array");
  check_numbers(R"({"__metadata__":{"k":[1)", "]}}", "__metadata__: k: more than 8 numbers");
  CHECK(contains(error_for(repeated(large, R"({"a":{"k":1)", R"(,"k":1)", "}}")),
                 "tensor a: k: key given twice"));
  std::string keys = R"({"a":{"k":1)", entries = R"({"__metadata__":{"k":"")";
  for (int i = 0; i < 200'000; ++i) {
    keys += fmt::format(R"(,"{}":1)", i);
    entries += fmt::format(R"(,"{}":"")", i);
  }
  CHECK(contains(error_for(file_of(keys + "}}")), "tensor a: too many keys"));
  CHECK(contains(error_for(file_of(entries + "}}")), "__metadata__: too many keys"));
}

TEST_CASE("at most 65,536 tensors") {
  const auto many = [](int n) {
    std::string header = "{";
    for (int i = 0; i < n; ++i) {
      header += fmt::format(R"({}"t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", i ? "," : "", i);
    }
    return file_of(header + "}");
  };
  CHECK(error_for(many(65'536)) == "no error");
  CHECK(contains(error_for(many(65'537)), "more than 65536 tensors"));
}

TEST_CASE("every cut of a header is refused") {
  const std::string text = after_a(R"({"dtype":"F16","shape":[2,1],"data_offsets":[4,8]})");
  REQUIRE(error_for(text) == "no error");
  for (std::size_t size = 0; size < text.size(); ++size) {
    INFO(size);
    REQUIRE(error_for(text.substr(0, size)).starts_with("4: f: "));
  }
}

TEST_CASE("random damage ends in a result or a named error") {
  const std::string start =
      after_a(R"({"dtype":"I64","shape":[2,1,0],"data_offsets":[4,4]},"__metadata__":{"k":"v"})", 4);
  REQUIRE(error_for(start) == "no error");
  const std::string alphabet = "{}[]:,\"\\ 0129-.eEu\x80\xff" + "\0"s;
  int refused = 0;
  for (std::uint32_t round = 0; round < 20'000; ++round) {
    Rng rng({.seed = 7, .purpose = Purpose::test, .index = round});
    std::string text = start;
    for (std::uint32_t edits = 1 + rng.below(4); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = rng.below(static_cast<std::uint32_t>(text.size()));
      switch (rng.below(4)) {
        case 0:
          text[at] = static_cast<char>(rng.next());
          break;
        case 1:
          text[at] = alphabet[rng.below(static_cast<std::uint32_t>(alphabet.size()))];
          break;
        case 2:
          text.erase(at, 1 + rng.below(5));
          break;
        default:
          text.insert(at, text.substr(rng.below(static_cast<std::uint32_t>(text.size())), rng.below(20)));
      }
    }
    if (rng.chance(0.5f) && text.size() >= 8) {  // keep the length right, so that the JSON is reached
      const std::uint64_t n = text.size() - std::min<std::size_t>(text.size() - 8, 4) - 8;
      std::memcpy(text.data(), &n, 8);
    }
    const std::string error = error_for(text);
    if (error == "no error") continue;
    ++refused;
    REQUIRE(error.starts_with("4: f: "));
  }
  CHECK(refused > 15'000);
}

}  // namespace
}  // namespace salu::test
