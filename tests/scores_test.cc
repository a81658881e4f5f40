// SPDX-License-Identifier: MIT
/// Scores, calibration and their files against numbers worked out by hand.
#include "core/choices.h"
#include "data/resize.h"
#include "run/interchange/pytorch.h"
#include "score/results.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

/// Three classes and a fourth that never occurs; truth -> prediction: 0->0 twice, 0->1, 1->1, 2->0, 2->1.
EvalResult sample() {
  EvalResult r;
  const Tensor logits = Tensor::from<float>({6, 4}, {3, 0, 0,   0,  //
                                                     2, 1, 0,   0,  //
                                                     0, 5, 0,   0,  //
                                                     0, 1, 0,   0,  //
                                                     1, 0, 0.5, 0,  //
                                                     0, 2, 1,   0});
  count_batch(r, logits, Tensor::from<std::int64_t>({6}, {0, 0, 0, 1, 2, 2}));
  return r;
}

const std::vector<std::string> kNames = {"cat", "dog, big", "a \"<b>\"", "none"};

TEST_CASE("precision, recall and F1 by hand") {
  const EvalResult r = sample();
  CHECK(confusion_matrix(r) == std::vector<std::int64_t>{2, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0});
  const std::vector<Scores> classes = class_scores(r);
  CHECK(classes[0].precision == Approx(2.0 / 3));
  CHECK(classes[0].recall == Approx(2.0 / 3));
  CHECK(classes[0].f1 == Approx(2.0 / 3));
  CHECK(classes[1].precision == Approx(1.0 / 3));
  CHECK(classes[1].recall == 1);
  CHECK(classes[1].f1 == Approx(0.5));
  CHECK(classes[2].precision == 0);
  CHECK(classes[2].recall == 0);
  CHECK(classes[2].f1 == 0);
  // The class that occurs nowhere does not count.
  const Scores macro = averaged_scores(r, Average::macro);
  CHECK(macro.precision == Approx(1.0 / 3));
  CHECK(macro.recall == Approx(5.0 / 9));
  CHECK(macro.f1 == Approx((2.0 / 3 + 0.5) / 3));
  const Scores weighted = averaged_scores(r, Average::weighted);
  CHECK(weighted.precision == Approx((3 * 2.0 / 3 + 1.0 / 3) / 6));
  CHECK(weighted.recall == Approx(0.5));
  CHECK(weighted.f1 == Approx((3 * 2.0 / 3 + 0.5) / 6));
  const Scores micro = averaged_scores(r, Average::micro);
  CHECK(micro.precision == Approx(0.5));
  CHECK(micro.f1 == Approx(0.5));
  CHECK(averaged_scores({}, Average::macro).f1 == 0);
  CHECK_THAT(error_of([] { choice_of("--metrics-avg", kAverages, "mikro"); }),
             Catch::Matchers::Contains("2: --metrics-avg"));
}

TEST_CASE("an image with a NaN logit is wrong and predicts nothing") {
  EvalResult r;
  count_batch(r, Tensor::from<float>({2, 3}, {NAN, 1, 0, 0, 9, NAN}),
              Tensor::from<std::int64_t>({2}, {1, 1}));
  CHECK(r.samples == 2);
  CHECK(r.correct1 == 0);
  CHECK(r.outcomes.empty());
  CHECK(calibration_error(r) == 0);
}

TEST_CASE("calibration error by hand") {
  // Two classes, logit difference log(p / (1 - p)): confidence p.
  const auto row = [](double p) { return static_cast<float>(std::log(p / (1 - p))); };
  EvalResult r;
  count_batch(r, Tensor::from<float>({4, 2}, {row(0.9), 0, row(0.9), 0, row(0.65), 0, 40, 0}),
              Tensor::from<std::int64_t>({4}, {0, 1, 0, 0}));
  // Bin (13/15, 14/15]: two of confidence 0.9, one right. (9/15, 10/15]: 0.65, right. Last: 1, right.
  CHECK(r.calibration[13].samples == 2);
  CHECK(r.calibration[13].correct == 1);
  CHECK(r.calibration[9].samples == 1);
  CHECK(r.calibration[14].samples == 1);
  CHECK(calibration_error(r) == Approx((std::abs(1 - 1.8) + 0.35 + 0) / 4).margin(1e-6));
  CHECK(calibration_error({}) == 0);
}

TEST_CASE("the report's files") {
  TempFolder folder;
  const EvalResult r = sample();
  write_report(folder / "new/report", r, kNames, "a & b");
  const auto text = [&](const char* name) {
    return read_text(folder / "new/report" / name, ErrorCode::data);
  };
  CHECK(text("per_class.csv") ==
        "class,images,correct,top1,precision,recall,f1\n"
        "cat,3,2,66.667,0.666667,0.666667,0.666667\n"
        "\"dog, big\",1,1,100.000,0.333333,1.000000,0.500000\n"
        "\"a \"\"<b>\"\"\",2,0,0.000,0.000000,0.000000,0.000000\n"
        "none,0,0,,0.000000,0.000000,0.000000\n");
  CHECK(text("confusion.csv") ==
        "truth,cat,\"dog, big\",\"a \"\"<b>\"\"\",none\n"
        "cat,2,1,0,0\n\"dog, big\",0,1,0,0\n\"a \"\"<b>\"\"\",1,1,0,0\nnone,0,0,0,0\n");
  const std::string svg = text("confusion.svg");
  CHECK(contains(svg, "a &amp; b"));
  CHECK(contains(svg, "<title>cat taken for dog, big: 1 of 3</title>"));
  CHECK(contains(svg, "a &quot;&lt;b&gt;&quot;"));
  CHECK(!contains(svg, "<b>"));
  const std::string bins = text("calibration.csv");
  CHECK(std::ranges::count(bins, '\n') == 16);
}

TEST_CASE("mirror images") {
  const Tensor x = Tensor::from<std::uint8_t>({2, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9,  //
                                                             10, 11, 12, 13, 14, 15, 16, 17, 18});
  const Tensor want = Tensor::from<std::uint8_t>({2, 1, 3, 3}, {7, 8, 9, 4, 5, 6, 1, 2, 3,  //
                                                                16, 17, 18, 13, 14, 15, 10, 11, 12});
  CHECK(compare_bits(mirrored_images(x), want) == "");
}

TEST_CASE("names of wrappers and of torchvision become ours") {
  const auto renamed = [](std::vector<std::string> names) {
    std::vector<NamedTensor> tensors;
    for (std::string& n : names) tensors.push_back({std::move(n), Tensor::zeros({1})});
    names.clear();
    for (const NamedTensor& t : native_names(std::move(tensors))) names.push_back(t.name);
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(renamed({"module._orig_mod.fc.bias", "module._orig_mod.conv1.weight"}) ==
        Names{"fc.bias", "conv1.weight"});
  CHECK(renamed({"module.fc.bias", "other"}) == Names{"module.fc.bias", "other"});
  CHECK(renamed({"encoder.layers.encoder_layer_11.mlp.linear_2.bias"}) == Names{"blocks.11.mlp.fc2.bias"});
  CHECK(renamed({"encoder.layers.encoder_layer_0.self_attention.in_proj_weight"}) ==
        Names{"blocks.0.attn.qkv.weight"});
}

TEST_CASE("a classifier of another size starts anew, and only it") {
  ModelConfig config;
  config.name = "resnet8";
  const auto source = make_model(config);
  config.num_classes = 7;
  config.seed = 5;
  const auto target = make_model(config), fresh = make_model(config);
  const std::string note = load_pretrained(*target, state_dict(source->store()), "there");
  CHECK(note == "there: classifier fc is (10,64) there and (7,64) here: it starts anew, the rest is loaded");
  for (std::size_t i = 0; i < target->store().parameters().size(); ++i) {
    const Parameter& p = target->store().parameters()[i];
    const Parameter& from = (p.name.starts_with("fc.") ? fresh : source)->store().parameters()[i];
    INFO(p.name);
    CHECK(compare_bits(p.variable.value(), from.variable.value()) == "");
  }
  CHECK(load_pretrained(*target, state_dict(fresh->store()), "there") == "");
  auto wrong = state_dict(source->store());
  wrong[0].tensor = Tensor::zeros({1});
  CHECK_THAT(error_of([&] { load_pretrained(*target, wrong, "there"); }),
             Catch::Matchers::Contains("4: there: its tensors do not fit the model (1 of another shape: "));
}

TEST_CASE("taps of a filter add up to one") {
  for (const auto& [in, out] : {std::pair{14, 6}, {14, 18}, {1, 5}, {7, 7}}) {
    for (const FilterTaps& t : filter_taps(in, out, Interpolation::bicubic)) {
      double sum = 0;
      for (const double w : t.weights) sum += w;
      CHECK(sum == Approx(1));
      CHECK(t.begin + static_cast<int>(t.weights.size()) <= in);
    }
  }
}

}  // namespace
}  // namespace salu::test
