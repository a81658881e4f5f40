// SPDX-License-Identifier: MIT
#include "run/safetensors.h"

#include <cstdlib>
#include <cstring>
#include <limits>

#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

using Metadata = std::map<std::string, std::string>;

std::string file_text(const std::filesystem::path& path) { return read_text(path, ErrorCode::internal); }

/// N, header and data put together by hand.
std::string file_of(std::string header, std::string_view data) {
  const std::uint64_t n = header.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &n, 8);
  return text.append(header).append(data);
}

SafetensorsFile parse(const std::string& text) {
  return parse_safetensors(std::as_bytes(std::span(text)), "x.safetensors");
}

// The checksums were computed by an independent program, the layout is the published one.
const std::string kGoldenHeader =
    R"({"__metadata__":{"format":"pt","salu.crc32c.a.weight":"fcc8b008","salu.crc32c.n":"7671b78e",)"
    R"("salu.crc32c.u":"4f1d52bb","salu.model":"resnet20"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
    R"("a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},)"
    R"("u":{"dtype":"U8","shape":[3],"data_offsets":[24,27]}}       )";
using namespace std::string_view_literals;
constexpr std::string_view kGoldenData =
    "\x07\x00\x00\x00\x00\x00\x00\x00"                                                 // 7
    "\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\x00\x00\x40\x40\x01\x02\xff"sv;  // 1 -2 0.5 3; 1 2 255

TEST_CASE("safetensors: the bytes of a small file") {
  TempFolder folder;
  const std::vector<NamedTensor> tensors = {{"u", Tensor::from<std::uint8_t>({3}, {1, 2, 255})},
                                            {"a.weight", Tensor::from<float>({2, 2}, {1, -2, 0.5, 3})},
                                            {"n", Tensor::from<std::int64_t>({}, {7})}};
  const FileDigest digest =
      write_safetensors(real_files(), folder / "x.safetensors", tensors, {{"salu.model", "resnet20"}});
  REQUIRE(kGoldenHeader.size() == 320);
  const std::string golden = file_of(kGoldenHeader, kGoldenData);
  CHECK(file_text(folder / "x.safetensors") == golden);
  CHECK(digest.size == golden.size());

  const SafetensorsFile back = read_safetensors(folder / "x.safetensors");
  REQUIRE(back.tensors.size() == 3);
  CHECK(back.metadata == Metadata{{"format", "pt"}, {"salu.model", "resnet20"}});
  for (const NamedTensor& t : tensors) {
    REQUIRE(back.find(t.name));
    CHECK(compare_bits(*back.find(t.name), t.tensor) == "");
  }
  CHECK(back.find("absent") == nullptr);
}

TEST_CASE("safetensors: all dtypes, ranks and empty tensors come back, in the reference writer's order") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<NamedTensor> tensors = {
      {"b16", Tensor::from<float>({3}, {1, -inf, nan}).to(DType::bf16)},
      {"byte", Tensor::from<std::uint8_t>({1, 1, 1, 5}, {0, 1, 127, 128, 255})},
      {"f32b", Tensor::from<float>({2, 1, 3}, {-0.0f, nan, inf, 1e-45f, 2, 3})},
      {"f32a", Tensor::zeros({0, 3})},
      {"f32c", Tensor::zeros({0})},
      {"f64", Tensor::from<double>({2}, {1e-310, 0.1})},
      {"i32", Tensor::from<std::int32_t>({1}, {std::numeric_limits<std::int32_t>::min()})},
      {"i64", Tensor::from<std::int64_t>({}, {std::numeric_limits<std::int64_t>::min()})}};
  TempFolder folder;
  write_safetensors(real_files(), folder / "x", tensors, {});
  const SafetensorsFile back = read_safetensors(folder / "x");
  std::string order;
  for (const NamedTensor& t : back.tensors) order += t.name + " ";
  CHECK(order == "i64 f64 f32a f32b f32c i32 b16 byte ");
  for (const NamedTensor& t : tensors) CHECK(compare_bits(*back.find(t.name), t.tensor) == "");
}

TEST_CASE("safetensors: metadata of any bytes stays readable") {
  TempFolder folder;
  const Metadata metadata = {
      {"quotes", "\"\\\n\t\x01"}, {"utf8", "\xc3\xa9"}, {"none", ""}, {"big", std::string(500'000, 'x')}};
  write_safetensors(real_files(), folder / "x", {}, metadata);
  Metadata want = metadata;
  want["format"] = "pt";
  CHECK(read_safetensors(folder / "x").metadata == want);

  write_safetensors(real_files(), folder / "y", {}, {{"latin1", "caf\xe9"}});
  CHECK(read_safetensors(folder / "y").metadata.at("latin1") == "caf\xef\xbf\xbd");
}

TEST_CASE("safetensors: F16 becomes f32") {
  const auto half = [](std::initializer_list<std::uint16_t> bits) {
    return std::string(reinterpret_cast<const char*>(bits.begin()), 2 * bits.size());
  };
  const std::string data = half({0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x03ff, 0x7c00, 0x0400, 0x7e00});
  const SafetensorsFile file =
      parse(file_of(R"({"h":{"dtype":"F16","shape":[9],"data_offsets":[0,18]}})", data));
  const auto v = file.find("h")->values<float>();
  // IEEE 754 binary16: 1, -2, the largest, the smallest subnormal, -0, the largest subnormal, inf, the
  // smallest normal
  CHECK(v[0] == 1.0f);
  CHECK(v[1] == -2.0f);
  CHECK(v[2] == 65504.0f);
  CHECK(v[3] == 0x1p-24f);
  CHECK((v[4] == 0.0f && std::signbit(v[4])));
  CHECK(v[5] == 1023 * 0x1p-24f);
  CHECK(v[6] == std::numeric_limits<float>::infinity());
  CHECK(v[7] == 0x1p-14f);
  CHECK(std::isnan(v[8]));
}

TEST_CASE("safetensors: a file from elsewhere, without metadata or checksums") {
  const std::string entry = R"("a":{"shape":[1],"data_offsets":[0,1],"dtype":"U8"})";
  CHECK(parse(file_of("{" + entry + "}", "x")).find("a")->values<std::uint8_t>()[0] == 'x');
  CHECK(parse(file_of(R"({"__metadata__":{},)" + entry + "}   ", "x")).metadata.empty());
  CHECK(parse(file_of("{}", "")).tensors.empty());
}

TEST_CASE("safetensors: a changed byte of a tensor is noticed and named") {
  std::string text = file_of(kGoldenHeader, kGoldenData);
  const std::size_t in_weight = text.size() - 10;
  text[in_weight] = static_cast<char>(text[in_weight] ^ 4);
  CHECK(error_of([&] { parse(text); }) ==
        "4: x.safetensors: tensor a.weight: checksum differs (file damaged)");
}

TEST_CASE("safetensors: what cannot be written") {
  TempFolder folder;
  const auto write = [&](std::vector<NamedTensor> tensors, const Metadata& metadata = {}) {
    return error_of([&] { write_safetensors(real_files(), folder / "x", tensors, metadata); });
  };
  const Tensor t = Tensor::zeros({1});
  CHECK(contains(write({{"a", t}, {"a", t}}), "1: [safetensors] two tensors are named a"));
  CHECK(contains(write({{"", t}}), "is no tensor name"));
  CHECK(contains(write({{"a\nb", t}}), "'a\\x0ab' is no tensor name"));
  CHECK(contains(write({{"__metadata__", t}}), "is no tensor name"));
  CHECK(contains(write({{std::string(257, 'n'), t}}), "is no tensor name"));
  CHECK(write({{std::string(256, 'n'), t}}) == "no error");
  CHECK(contains(write({{"a", Tensor()}}), "expected a host tensor for a"));
  CHECK(contains(write({}, {{"k", std::string(2 << 20, 'x')}}), "too long to be read back"));
}

TEST_CASE("safetensors: what cannot be read") {
  TempFolder folder;
  const auto read = [&](const std::string& name) {
    return error_of([&] { read_safetensors(folder / name); });
  };
  CHECK(contains(read("absent"), "absent: cannot open: No such file"));
  CHECK(contains(read(""), "not a regular file"));
  REQUIRE(::system(("mkfifo " + (folder / "pipe").string()).c_str()) == 0);
  CHECK(contains(read("pipe"), "pipe: not a regular file"));
  put(folder / "text", "<html>\n");
  CHECK(contains(read("text"), "4: "));
  CHECK(contains(read("text"), "is not a salu checkpoint"));
}

TEST_CASE("safetensors: Python's package reads our files") {
  if (std::system("/usr/bin/python3 -c 'import safetensors, numpy' 2>/dev/null") != 0) {
    WARN("skipped: /usr/bin/python3 has no safetensors package");
    return;
  }
  TempFolder folder;
  write_safetensors(real_files(), folder / "x",
                    std::vector<NamedTensor>{{"a", Tensor::from<float>({2, 1}, {1, 2})}}, {});
  const std::string script = "from safetensors.numpy import load_file; t = load_file('" +
                             (folder / "x").string() + "'); assert t['a'].tolist() == [[1], [2]]";
  CHECK(std::system(("/usr/bin/python3 -c \"" + script + "\"").c_str()) == 0);
}

}  // namespace
}  // namespace salu::test
