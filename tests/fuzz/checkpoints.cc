// SPDX-License-Identifier: MIT
/// Checkpoints: safetensors files, and folders with one file changed.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/crc32c.h"
#include "models/model.h"
#include "run/checkpoint.h"
#include "run/interchange/pytorch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/temp_folder.h"

namespace salu::fuzz {
namespace {

using test::quick_files;
using test::TempFolder;

constexpr std::array kFiles = {"model.safetensors", "state.safetensors", "config.json", "COMMIT.json"};
enum File { kModel, kState, kConfig, kCommit };
constexpr std::size_t kLengthBytes = 8;

Checkpoint sample() {
  ModelCard card;
  card.model.name = "salunet_c8";
  card.model.num_classes = 2;
  card.model.img_size = 32;
  card.class_names = {"cat", "dog"};
  card.dataset = "shapes";
  card.mean = {0.5f, 0.5f, 0.5f};
  card.std = {0.25f, 0.25f, 0.25f};
  Checkpoint c;
  c.model = {{"conv1.weight", Tensor::from<float>({2, 1, 3}, {0, 1, 2, 3, 4, 5})},
             {"fc.weight", Tensor::from<float>({2, 3}, {0, 1, 2, 3, 4, 5})},
             {"bn1.num_batches_tracked", Tensor::from<std::int64_t>({}, {7})}};
  c.state = {{"optim.momentum.conv1.weight", Tensor::full({2, 1, 3}, 0.5)}};
  c.metadata = {{"salu.model", "salunet_c8"}};
  c.config = card_to_json(card);
  c.progress = {{"format", 1},
                {"step", 12},
                {"epoch", 1},
                {"batch", 2},
                {"loss_sum", 4.5},
                {"loss_count", 3},
                {"updates", 12},
                {"ema_updates", 12},
                {"skipped_row", 0},
                {"skipped_recent", {3, 7}},
                {"returns", {"loss nan"}},
                {"lr_factor", 0.5},
                {"good", "epoch-0001"},
                {"best_score", 9},
                {"best_epoch", 1},
                {"gain_score", 9},
                {"gain_epoch", -1},
                {"data_fingerprint", 5}};
  return c;
}

const char* kTimmConfig = R"({"architecture": "resnet18", "num_classes": 2, "num_features": 512,
"label_names": ["cat", "dog"], "pretrained_cfg": {"input_size": [3, 224, 224], "test_input_size": [3, 288, 288],
"crop_pct": 0.95, "test_crop_pct": 1.0, "crop_mode": "border", "interpolation": "bicubic",
"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}})";

/// The run folder of one checkpoint; a part of it can be changed.
class Run {
 public:
  Run() {
    write_checkpoint_folder(quick_files(), make_folder(), sample(), 3);
    for (std::size_t i = 0; i < kFiles.size(); ++i) {
      contents_[i] = read_text(folder_ / kFiles[i], ErrorCode::environment);
    }
  }
  const std::filesystem::path& path() const { return temp_.path(); }
  const std::string& original(File file) const { return contents_[file]; }

  /// Changes one file, and unless it is the seal itself, the seal to fit.
  void set(File file, const std::string& text) {
    if (changed_ != file) write(changed_, contents_[changed_]);
    changed_ = file;
    write(file, text);
    if (file != kCommit) write(kCommit, seal_with(file, text));
  }

 private:
  std::filesystem::path make_folder() {
    std::filesystem::create_directories(folder_.parent_path());
    return folder_;
  }
  void write(File file, const std::string& text) const { test::put(folder_ / kFiles[file], text); }
  std::string seal_with(File file, const std::string& text) const {
    Commit commit{.sequence = 3};
    for (const File f : {kModel, kState, kConfig}) {
      const std::string& now = f == file ? text : contents_[f];
      commit.files[kFiles[f]] = {now.size(), crc32c(std::as_bytes(std::span(now)))};
    }
    return commit.text();
  }

  TempFolder temp_;
  std::filesystem::path folder_ = temp_ / "checkpoints/epoch-0001";
  std::array<std::string, kFiles.size()> contents_;
  File changed_ = kCommit;
};

Run& run() {
  static Run folder;
  return folder;
}

// The length in front of the header becomes that of the text up to the last '}' and the spaces behind it.
void repair_header(Bytes& b, std::size_t begin) {
  if (b.size() < begin + kLengthBytes) return;
  const auto last = std::find(b.rbegin(), b.rend(), '}');
  auto end = last.base();
  end = std::find_if(end, b.end(), [](std::uint8_t c) { return c != ' '; });
  const auto length = (end - b.begin()) - static_cast<std::ptrdiff_t>(begin + kLengthBytes);
  if (length < 0) return;
  const auto value = static_cast<std::uint64_t>(length);
  std::memcpy(b.data() + begin, &value, kLengthBytes);
}

void repair_safetensors(Bytes& b) { repair_header(b, 0); }

// First byte: which file. The seal's last line is a checksum of what is before it.
void repair_checkpoint(Bytes& b) {
  if (b.empty()) return;
  const auto file = static_cast<File>(b[0] % kFiles.size());
  if (file == kModel || file == kState) repair_header(b, 1);
  if (file != kCommit) return;
  std::string text = text_of(std::span(b).subspan(1));
  const std::size_t tail = text.rfind("\"crc32c\"");
  if (tail == std::string::npos) return;
  text.resize(tail);
  text += fmt::format("\"crc32c\": \"{:08x}\"\n}}\n", crc32c(std::as_bytes(std::span(text))));
  b.resize(1);
  b.insert(b.end(), text.begin(), text.end());
}

std::vector<Bytes> safetensors_seeds() {
  const auto file = [](const std::string& header, std::size_t data) {
    std::uint64_t length = header.size();
    std::string text(kLengthBytes, '\0');
    std::memcpy(text.data(), &length, kLengthBytes);
    return bytes_of(text + header + std::string(data, 'x'));
  };
  return {bytes_of(run().original(kModel)), file("{}", 0),
          file(R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[3],)"
               R"("data_offsets":[8,14]},"c":{"dtype":"U8","shape":[],"data_offsets":[14,15]}}   )",
               15),
          file(R"({"__metadata__":{"k":"\u00e9\\"},"z":{"dtype":"BF16","shape":[0,4],"data_offsets":[0,0]},)"
               R"("i":{"dtype":"I64","shape":[1,1,1,1],"data_offsets":[0,8]}})",
               8)};
}

std::vector<Bytes> checkpoint_seeds() {
  std::vector<Bytes> seeds;
  const auto add = [&](File file, const std::string& text) {
    seeds.push_back({static_cast<std::uint8_t>(file)});
    seeds.back().insert(seeds.back().end(), text.begin(), text.end());
  };
  for (const File file : {kModel, kState, kConfig, kCommit}) add(file, run().original(file));
  add(kConfig, kTimmConfig);
  return seeds;
}

void check_card(const ModelCard& card) {
  require(card.model.num_classes >= 1 && card.model.num_classes <= 1'000'000,
          "a number of classes out of range");
  require(card.model.img_size >= 1 && card.model.img_size <= 16384, "an image size out of range");
  require(card.crop_pct > 0 && card.crop_pct <= 1, "a crop out of range");
  require(card.val_from_train >= 0, "a negative number of images");
  require(
      card.model.drop >= 0 && card.model.drop < 1 && card.model.drop_path >= 0 && card.model.drop_path < 1,
      "dropout out of range");
  for (std::size_t c = 0; c < 3; ++c) {
    require(std::isfinite(card.mean[c]) && std::isfinite(card.std[c]) && card.std[c] > 0,
            "mean or deviation");
  }
  require(card.class_names.empty() ||
              static_cast<std::int64_t>(card.class_names.size()) == card.model.num_classes,
          "a number of class names that is not that of the classes");
}

}  // namespace

void fuzz_safetensors(std::span<const std::uint8_t> input) {
  const SafetensorsFile file = parse_safetensors(std::as_bytes(input), "f");
  std::uint64_t bytes = 0;
  for (const NamedTensor& t : file.tensors) {
    require(file.find(t.name) == &t.tensor, "two tensors of one name");
    bytes += t.tensor.bytes();
  }
  require(bytes <= 2 * input.size(), "more tensors than bytes");
  // What was read can be written, and read again.
  const auto path = run().path() / "again.safetensors";
  write_safetensors(quick_files(), path, file.tensors, file.metadata);
  const SafetensorsFile again = read_safetensors(path);
  require(again.tensors.size() == file.tensors.size(), "tensors are lost in writing");
  for (const NamedTensor& t : file.tensors) {
    const Tensor* back = again.find(t.name);
    require(back && back->shape() == t.tensor.shape() && back->dtype() == t.tensor.dtype() &&
                (t.tensor.bytes() == 0 || std::memcmp(back->raw(), t.tensor.raw(), t.tensor.bytes()) == 0),
            "a tensor is changed by writing");
  }
}

void fuzz_checkpoint(std::span<const std::uint8_t> input) {
  if (input.empty()) fail(ErrorCode::checkpoint, "empty");
  run().set(static_cast<File>(input[0] % kFiles.size()), text_of(input.subspan(1)));
  Checkpoint checkpoint = load_checkpoint(run().path());
  checkpoint.model = native_names(std::move(checkpoint.model));
  check_card(card_of(checkpoint, "", "f"));
  const TrainState p = read_progress(checkpoint, "f", 5);
  require(p.step >= 0 && p.epoch >= 0 && p.batch >= 0 && p.loss_count >= 0 && p.updates >= 0 &&
              p.ema_updates >= 0 && p.non_finite.row >= 0 && p.non_finite.lr_factor > 0 &&
              p.best_epoch >= -1 && p.gain_epoch >= -1,
          "a counter out of range");
}

std::vector<Target> checkpoint_targets() {
  const std::vector<ErrorCode> codes = {ErrorCode::checkpoint};
  const std::vector<std::string> words = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          "[[[[[[[[[[[[[[[[",
                                          "\"",
                                          ",",
                                          ":",
                                          "null",
                                          "true",
                                          "-0",
                                          "1e3",
                                          "1e999",
                                          "-1",
                                          "0.5",
                                          "1.0",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "9223372036854775808",
                                          "\\u0000",
                                          "\\ud800",
                                          "\xff",
                                          "\"a\":{}",
                                          "\"__metadata__\":{}",
                                          "\"salu.format\":\"2\"",
                                          "\"dtype\":\"F16\"",
                                          "\"shape\":[0]",
                                          "\"data_offsets\":[0,0]",
                                          "F64",
                                          "U8",
                                          "salu.progress",
                                          "\"salu\":{}",
                                          "\"format\": 2",
                                          "resnet18",
                                          "vit_base_patch16_224",
                                          "[3,32,32]"};
  return {{"safetensors", fuzz_safetensors, codes, safetensors_seeds, repair_safetensors, words},
          {"checkpoint", fuzz_checkpoint, codes, checkpoint_seeds, repair_checkpoint, words}};
}

}  // namespace salu::fuzz
