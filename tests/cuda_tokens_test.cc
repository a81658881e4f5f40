// SPDX-License-Identifier: MIT
/// The CUDA kernels of token and loss ops at sizes that the op table is too slow for: several blocks, several
/// tiles, every number of rows per thread.
#include <cmath>

#include "autograd/functions.h"
#include "core/gpu.h"
#include "core/ops/batch_inputs.h"
#include "core/ops/drop.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/device_check.h"

namespace salu::test {
namespace {

OpSample attention_sample(Shape qkv, std::int64_t heads) {
  return {.label = qkv.str(),
          .inputs = {random_tensor(qkv, 1)},
          .function = [=](const auto& in) { return attention(in[0], heads, 0.7); },
          .oracle = {},
          .has_sum = true};
}

void check_both(const OpSample& sample) {
  for (const std::int64_t start : {0, 1}) {
    INFO(sample.label << " start " << start);
    check_f32(sample, cuda_device(), start);
    check_bf16(sample, cuda_device(), start);
  }
}

TEST_CASE("attention: one tile, 2, 4, 5 and 8 rows per thread") {
  check_both(attention_sample({2, 17, 12}, 2));
  check_both(attention_sample({1, 33, 3}, 1));
  check_both(attention_sample({1, 65, 9}, 1));
}

TEST_CASE("attention: one full tile, and heads wider than two sides") {
  check_both(attention_sample({1, 80, 6}, 2));
  check_both(attention_sample({1, 128, 3}, 1));
  check_both(attention_sample({1, 65, 3 * 2 * 33}, 2));
}

TEST_CASE("attention: several tiles") { check_both(attention_sample({1, 129, 3}, 1)); }

TEST_CASE("attention: several heads of several tiles", "[large]") {
  check_both(attention_sample({2, 193, 6}, 2));
}

TEST_CASE("attention: tiles shrink until they fit into shared memory", "[large]") {
  check_both(attention_sample({1, 81, 3 * 256}, 1));  // both passes by tiles of 32
  check_both(attention_sample({1, 33, 3 * 224}, 1));  // one tile forward, tiles of 32 backward
}

TEST_CASE("attention by tiles gives the same bits under every schedule", "[large]") {
  const OpSample sample = attention_sample({1, 129, 6}, 2);
  const OpRun first = run_op(sample, DType::f32, cuda_device());
  for (const std::uint64_t schedule : {1u, 2u}) {
    set_schedule(schedule);
    const OpRun again = run_op(sample, DType::f32, cuda_device());
    CHECK(compare_bits(again.y.to(Device{}), first.y.to(Device{})) == "");
    CHECK(compare_bits(again.gradients[0].to(Device{}), first.gradients[0].to(Device{})) == "");
  }
  set_schedule(0);
}

TEST_CASE("attention: wide heads are refused on the device") {
  const Tensor qkv = Tensor::zeros({1, 2, 3 * 257}, DType::f32, cuda_device());
  CHECK(contains(error_of([&] { attention(Variable(qkv), 1, 1.0); }),
                 "[attention] expected at most 256 numbers per head on cuda:0, got 257"));
}

TEST_CASE("softmax and cross entropy: rows longer than a block, more rows than blocks") {
  for (const Shape& shape : {Shape{3, 1031}, Shape{131, 10}}) {
    const OpSample rows{.label = "softmax " + shape.str(),
                        .inputs = {random_tensor(shape, 1, 3.0)},
                        .function = [](const auto& in) { return softmax(in[0]); },
                        .oracle = {},
                        .has_sum = true};
    check_both(rows);
    const OpSample loss{.label = "cross entropy " + shape.str(),
                        .inputs = {random_tensor(shape, 1, 3.0), random_tensor(shape, 2)},
                        .function = [](const auto& in) { return cross_entropy(in[0], in[1].value()); },
                        .oracle = {},
                        .has_sum = true,
                        .constant = {1},
                        .parameters = {1}};
    check_both(loss);
  }
}

TEST_CASE("tokens: samples longer than a block") {
  const Tensor images = random_tensor({3, 12, 18, 5}, 1);
  check_both({.label = "patchify",
              .inputs = {images},
              .function = [](const auto& in) { return patchify(in[0], 6); },
              .oracle = {}});
  check_both({.label = "embed_tokens",
              .inputs = {random_tensor({7, 33, 37}, 1), random_tensor({37}, 2), random_tensor({34, 37}, 3)},
              .function = [](const auto& in) { return embed_tokens(in[0], in[1], in[2]); },
              .oracle = {},
              .has_sum = true,
              .parameters = {1, 2}});
  check_both({.label = "select_token",
              .inputs = {random_tensor({5, 33, 37}, 1)},
              .function = [](const auto& in) { return select_token(in[0], 32); },
              .oracle = {}});
}

TEST_CASE("masks have the bits of the CPU's, and the step offset moves them as the step does") {
  const RandomKey key{11, Purpose::dropout, 2, 4}, later{11, Purpose::dropout, 9, 4};
  const Tensor x = random_tensor({37, 161}, 1).to(DType::f32);
  const Tensor there = x.to(cuda_device());
  const auto check_masks = [&](const RandomKey& expected) {
    CHECK(compare_bits(dropout_forward(there, 0.3, key).to(Device{}), dropout_forward(x, 0.3, expected)) ==
          "");
    CHECK(compare_bits(drop_path_forward(there, 0.3, key).to(Device{}),
                       drop_path_forward(x, 0.3, expected)) == "");
  };
  check_masks(key);
  gpu::set_step_offset(7);
  check_masks(later);
  gpu::set_step_offset(0);
  check_masks(key);
}

TEST_CASE("targets have the bits of the CPU's; a wrong label makes its row NaN") {
  std::vector<std::int64_t> labels(131);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i * 7 % 33);
  const auto targets = [&](Device where) {
    const Tensor t = Tensor::from({131}, labels).to(where);
    return smoothed_targets(t, 33, 0.1, SmoothingKind::wrong_classes).to(Device{});
  };
  const Tensor expected = targets(Device{});
  CHECK(compare_bits(targets(cuda_device()), expected) == "");
  labels[5] = 33;
  labels[130] = -1;
  const std::vector<float> got = targets(cuda_device()).values<float>(), want = expected.values<float>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool wrong = i / 33 == 5 || i / 33 == 130;
    CHECK((wrong ? std::isnan(got[i]) : got[i] == want[i]));
  }
}

}  // namespace
}  // namespace salu::test
