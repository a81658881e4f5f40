// SPDX-License-Identifier: MIT
/// The parts of the report: escaping, charts, the data of a run folder, and scores per image.
#include "run/report/report.h"

#include <cmath>
#include <map>
#include <set>

#include "models/model.h"
#include "run/environment.h"
#include "run/report/chart.h"
#include "run/run_log.h"
#include "run/settings_file.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

constexpr const char* kBad = "\xef\xbf\xbd";

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++n;
  return n;
}

TEST_CASE("markup: what comes from outside stays text") {
  CHECK(markup_escaped("<b>&\"'</b>") == "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;");
  CHECK(markup_escaped("a\nb\tc") == "a\nb\tc");
  CHECK(markup_escaped(std::string("\0\x1b\x7f", 3)) == std::string(kBad) + kBad + kBad);
  for (const char* good :
       {"é", "日本", "😀", "\xc2\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(markup_escaped(good) == good);
  }
  // Alone, cut short, overlong, surrogate, beyond the last character: no byte of them gets through.
  for (const std::string bad :
       {"\x80", "\xff", "\xc3", "\xe6\x97", "\xf0\x9f\x98", "\xc0\xbc", "\xc1\xbf", "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
    INFO(escaped(bad));
    const std::string out = markup_escaped(bad);
    CHECK(occurrences(out, kBad) * 3 == out.size());
    CHECK(markup_escaped(bad + "<") == out + "&lt;");
  }
  Markup page;
  { const auto a = page.in("a", {{"title", "\"><script>"}}); }
  CHECK(page.str() == "<a title=\"&quot;&gt;&lt;script&gt;\"></a>\n");
}

TEST_CASE("base64: the vectors of RFC 4648") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    CHECK(base64({reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()}) == coded);
  }
  const std::uint8_t high[] = {0xfb, 0xff, 0xfe};
  CHECK(base64(high) == "+//+");
}

TEST_CASE("ticks are round, few, and within the axis") {
  CHECK(ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(whole_ticks(1, 3, 6) == std::vector<double>{1, 2, 3});
  for (const auto& [low, high] :
       {std::pair{0.0, 1.0}, {-3.7, 2e-3}, {1e-9, 3e-9}, {0.0, 7e12}, {99.2, 99.9}}) {
    const std::vector<double> t = ticks(low, high, 5);
    INFO(low << " " << high);
    CHECK(t.size() >= 2);
    CHECK(t.size() <= 6);
    CHECK(t.front() >= low - 1e-6 * (high - low));
    CHECK(t.back() <= high + 1e-6 * (high - low));
  }
  CHECK(log_ticks(0.9, 120) == std::vector<double>{1, 2, 5, 10, 20, 50, 100});
  CHECK(tick_text(12000) == "12k");
  CHECK(tick_text(0.001) == "0.001");
}

TEST_CASE("charts take what runs give them") {
  const std::string none = line_chart({"t", "x"}, {});
  CHECK(contains(none, "no data yet"));
  CHECK(contains(line_chart({"t", "x"}, {{"s", {1, 2}, {NAN, INFINITY}, ""}}), "no data yet"));
  const std::string one = line_chart({"t", "x"}, {{"s<", {1}, {0.5}, ""}});
  CHECK(occurrences(one, "<circle") == 1);
  CHECK(contains(one, "<title>s&lt;</title>"));
  // A gap: the pen is put down twice. Nothing may be drawn at nan.
  const std::string gap = line_chart({"t", "x"}, {{"s", {1, 2, 3, 4}, {1, NAN, 3, 4}, ""}});
  CHECK(occurrences(gap, "M") == 2);
  CHECK_FALSE(contains(gap, "nan"));
  // On a logarithmic axis a factor of ten is the same height anywhere.
  const std::string log = line_chart({"t", "x", false, false, true}, {{"s", {1, 2, 3}, {1, 10, 100}, ""}});
  std::vector<double> heights;
  for (std::size_t at = 0; (at = log.find("cy=\"", at)) != log.npos; ++at)
    heights.push_back(std::stod(log.substr(at + 4)));
  REQUIRE(heights.size() == 3);
  CHECK(heights[0] - heights[1] == Approx(heights[1] - heights[2]).margin(0.02));
  const Series long_one{"s", std::vector<double>(1001, 1.0), std::vector<double>(1001, 3.0), ""};
  const Series thin = thinned(long_one, 100);
  CHECK(thin.x.size() == 100);
  CHECK(thin.y == std::vector<double>(100, 3.0));
}

TEST_CASE("tables end where the writer stands") {
  const NumberTable csv = parse_csv("epoch,loss,top1\n1,2.5,\n2,1.5,40\n3,0.");
  CHECK(csv.rows == 2);
  CHECK(csv["loss"] == std::vector<double>{2.5, 1.5});
  CHECK(std::isnan(csv["top1"][0]));
  CHECK(csv.last("top1") == 40);
  CHECK(std::isnan(csv.last("nothing")));
  CHECK(parse_csv("a,b\n1,2\n1,x\n3,4\n").rows == 1);
  CHECK(parse_csv("").rows == 0);
  const NumberTable lines = parse_json_lines(
      "{\"step\":1,\"loss\":null}\nrubbish\n{\"step\":2,\"loss\":0.5,\"name\":\"x\"}\n{\"st");
  CHECK(lines.rows == 2);
  CHECK(lines["step"] == std::vector<double>{1, 2});
  CHECK(std::isnan(lines["loss"][0]));
  CHECK_FALSE(lines.has("name"));
}

TEST_CASE("saturation and width of every curve, for every way to store it") {
  for (const char* positive : {"exp", "softplus", "log_sw"}) {
    ModelConfig config;
    config.name = "salunet_c8";
    config.positive = positive;
    config.stabilizer_a = 2.5, config.stabilizer_b = 0.4;
    config.gate_a = 0.3, config.gate_b = 1.7;
    const auto model = make_model(config);
    const auto shapes = curve_shapes(model->store(), positive_of(positive));
    CHECK(shapes.size() == 16);  // 7 norms, 7 gates, 2 shortcuts
    for (const CurveShape& shape : shapes) {
      INFO(positive << " " << shape.layer);
      const double a = shape.gate ? 0.3 : 2.5, b = shape.gate ? 1.7 : 0.4;
      CHECK(shape.saturation == Approx(std::sqrt(a / b)).epsilon(1e-6));
      CHECK(shape.width == Approx(1 / std::sqrt(a * b)).epsilon(1e-6));
    }
  }
}

TEST_CASE("curves are found in every network, and nothing else") {
  for (const std::string& name : model_names()) {
    for (const char* norm : {"", "dyt", "derf", "batchnorm"}) {
      ModelConfig config;
      config.name = name;
      if (*norm) config.norm = norm;
      const auto model = build_model(config);
      // Drawing the 300 million weights of all networks takes a minute, and no result depends on them.
      for (Parameter& parameter : model->store().parameters()) parameter.init = constant_init(0.5);
      model->store().allocate(config.seed, config.placement);
      std::map<std::string, bool> expected;  // layer -> gate, from what a forward pass records
      for (const LayerRecord& record : summarize(*model, config)) {
        if (record.kind == "SALU") expected[record.name] = false;
        if (record.kind == "SWALU" || record.kind == "GALU") expected[record.name] = true;
      }
      std::map<std::string, bool> found;
      for (const CurveShape& shape : curve_shapes(model->store(), Positive::exp))
        found[shape.layer] = shape.gate;
      INFO(name << " " << norm);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("coefficients.csv begins before training and resumes like metrics.csv") {
  TempFolder folder;
  const std::vector<CurveShape> curves{{"norm1", false, 1.5, 2}, {"act1", true, 0.5, 4}};
  const auto text = [&] { return read_text(folder / "coefficients.csv", ErrorCode::internal); };
  const std::string start = "epoch,norm1.S,norm1.W,act1.S,act1.W\n0,1.5,2,0.5,4\n";
  {
    RunLog log(folder.path(), {"epoch", "train_loss"}, curves, {}, quick_files());
    CHECK(text() == start);
    log.epoch(6, {1, 0.5}, curves);
    log.epoch(12, {2, 0.25}, curves);
  }
  TrainState at;
  at.step = 7, at.epoch = 1;
  RunLog log(folder.path(), {"epoch", "train_loss"}, curves, at, quick_files());
  CHECK(text() == start + "1,1.5,2,0.5,4\n");
  TempFolder without;
  RunLog none(without.path(), {"epoch"}, {}, {}, quick_files());
  CHECK_FALSE(std::filesystem::exists(without / "coefficients.csv"));
}

TEST_CASE("the worst images and the confusions, against a plain loop") {
  constexpr std::int64_t kClasses = 3, kImages = 11;
  Rng rng({3, Purpose::test, 0, 0});
  Tensor logits = Tensor::empty({kImages, kClasses}), labels = Tensor::empty({kImages}, DType::i64);
  Tensor images = Tensor::empty({kImages, 1, 2, 3}, DType::u8);
  std::vector<std::tuple<double, std::int64_t, double>> expected;  // -loss, index, p(truth)
  std::vector<std::int64_t> confusion(kClasses * kClasses);
  Batch batch{images, labels, {}};
  for (std::int64_t i = 0; i < kImages; ++i) {
    double sum = 0;
    float* row = logits.data<float>() + i * kClasses;
    for (int k = 0; k < kClasses; ++k) row[k] = static_cast<float>(3 * rng.normal());
    if (i == 4) row[0] = row[1] = row[2] = 7;  // a tie: the first counts
    for (int k = 0; k < kClasses; ++k) sum += std::exp(static_cast<double>(row[k]));
    const auto truth = static_cast<int>(i % kClasses);
    labels.data<std::int64_t>()[i] = truth;
    batch.indices.push_back(100 - i);
    for (int b = 0; b < 6; ++b)
      images.data<std::uint8_t>()[i * 6 + b] = static_cast<std::uint8_t>(10 * i + b);
    const double p = std::exp(static_cast<double>(row[truth])) / sum;
    int best = 0;
    for (int k = 1; k < kClasses; ++k) best = row[k] > row[best] ? k : best;
    if (i == 9) row[1] = NAN;
    expected.emplace_back(i == 9 ? -INFINITY : std::log(p), 100 - i, p);
    if (i != 9) ++confusion[static_cast<std::size_t>(truth * kClasses + best)];
  }
  std::sort(expected.begin(), expected.end());
  EvalResult result;
  count_batch(result, logits, labels);
  CHECK(confusion_matrix(result) == confusion);
  for (const std::size_t keep : {0, 1, 5, 100}) {
    std::vector<ScoredImage> worst;
    keep_worst(worst, keep, batch, logits);
    REQUIRE(worst.size() == std::min<std::size_t>(keep, kImages));
    for (std::size_t w = 0; w < worst.size(); ++w) {
      const ScoredImage& image = worst[w];
      const auto& [negative_loss, index, p] = expected[w];
      CHECK(image.index == index);
      CHECK(image.image.pixels[5] == static_cast<std::uint8_t>(10 * (100 - index) + 5));
      if (std::isinf(negative_loss)) {
        CHECK(std::isinf(image.loss));
        continue;
      }
      CHECK(image.loss == Approx(-negative_loss));
      CHECK(image.truth_probability == Approx(p));
      CHECK(image.predicted_probability >= image.truth_probability * (1 - 1e-12));
    }
  }
}

/// The folder of a run that has not begun its first epoch, with `settings` in its configuration.
void put_run(const TempFolder& folder, const std::string& settings) { put(folder / "config.toml", settings); }

TEST_CASE("settings are read without their quotes") {
  // An empty value is that of a setting that was left out.
  const std::map<std::string, std::string> expected = {
      {"a", "1"}, {"b", "x = y"}, {"c", "say \"x\""}, {"d", "0.5 1"}, {"last", "2"}};
  CHECK(settings_of("a=1\nb=\"x = y\"\nc='say \"x\"'\n# a word\n\nd=[0.5, 1]\ne=\"\"\nlast=2") == expected);
  CHECK(error_of([] { settings_of("a=1\nf=\"\nlast=2"); }).starts_with("2: config.toml:2:"));
  CHECK(settings_of("").empty());
  TempFolder folder;
  put_run(folder, "dataset=\"folder\"\ndata-dir='/a \"b\"/it'\n");
  CHECK(read_run(folder.path()).data_name() == "it");
}

TEST_CASE("names from outside do not break the page") {
  const std::string hostile[] = {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a&b'c",
                                 "\xff\xfe", "日本\u202e"};
  ImageReport images;
  ImageScores& scores = images.scores.emplace();
  scores.class_names.assign(std::begin(hostile), std::end(hostile));
  const auto classes = static_cast<int>(scores.class_names.size());
  scores.result.class_samples.assign(scores.class_names.size(), 10);
  scores.result.class_correct.assign(scores.class_names.size(), 4);
  for (int t = 0; t < classes; ++t) {
    for (int i = 0; i < 10; ++i) scores.result.outcomes.push_back({t, i < 4 ? t : (t + 1) % classes});
    ScoredImage image;
    image.truth = t;
    image.image = Image(4, 200);
    image.place = hostile[t];
    scores.worst.push_back(image);
  }
  images.note = hostile[0];
  TempFolder folder;
  put_run(folder, "model=\"</title><script>\"\ndataset=\"</style>\"\nepochs=3\n");
  add_start(folder / "environment.json", {{"command", "</pre><script>"}, {"step", 0}}, false, quick_files());
  const std::string page = report_html(read_run(folder.path()), images);
  CHECK_FALSE(contains(page, "<script"));
  CHECK_FALSE(contains(page, "<img src=x"));
  CHECK_FALSE(contains(page, "\xff"));
  CHECK(occurrences(page, "</style>") == 1);
  CHECK(occurrences(page, "</title>") == 1 + 10);  // the page, and each cell of the matrix
  CHECK(contains(page, "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"));
  CHECK(occurrences(page, "<img ") == 5);
  CHECK(occurrences(page, "src=\"data:image/png;base64,iVBORw0KGgo") == 5);
}

TEST_CASE("a run that has only begun has a page, another folder has none") {
  TempFolder folder;
  CHECK(contains(error_of([&] { write_run_report(folder.path(), {}); }), "no run is there"));
  CHECK(error_of([&] { write_run_report(folder.path(), {}); }).starts_with("4: "));
  put_run(folder, "model=\"salunet_c8\"\ndataset=\"shapes\"\nepochs=3\n");
  put(folder / "metrics.csv", "epoch,tra");
  put(folder / "environment.json", "{\"starts\": [{");
  put(folder / "checkpoints/.tmp-epoch-0001/model.safetensors", "half");
  const std::string page = report_html(read_run(folder.path()), {});
  CHECK(contains(page, "0 of 3 epochs"));
  CHECK(contains(page, "no data yet"));
  CHECK(contains(page, "None yet."));
  CHECK_FALSE(contains(page, "SALU geometry"));
}

TEST_CASE("the heading counts the cooldown, and knows a run that patience ended") {
  TempFolder folder;
  const auto heading = [&](const std::string& settings, const std::string& rows) {
    put_run(folder, "model=\"m\"\ndataset=\"shapes\"\n" + settings);
    put(folder / "metrics.csv", rows);
    return report_html(read_run(folder.path()), {});
  };
  const std::string rows = "epoch,eval_loss,eval_top1\n1,3,50\n2,1,50.5\n3,2,51\n";
  CHECK(contains(heading("epochs=2\ncooldown-epochs=1\n", rows), "· 3 epochs, finished"));
  CHECK(contains(heading("epochs=3\ncooldown-epochs=2\n", rows), "· 3 of 5 epochs<"));
  const std::string by_top1 = "epochs=20\neval-metric=\"top1\"\npatience=2\n";
  CHECK(contains(heading(by_top1, rows), "· 3 of 20 epochs<"));
  // Gains of half a percent are none: the first epoch was the last gain.
  CHECK(contains(heading(by_top1 + "min-delta=1\n", rows),
                 "· 3 of 20 epochs, finished early: no gain in 2 epochs"));
  const std::string by_loss = "epochs=20\neval-metric=\"loss\"\npatience=1\n";
  CHECK(contains(heading(by_loss, rows), "· 3 of 20 epochs, finished early: no gain in 1 epoch<"));
  CHECK(
      contains(heading(by_loss, rows + "4,,\n"), "· 4 of 20 epochs<"));  // not behind an epoch without score
  const std::string average = "epoch,eval_top1,ema_top1\n1,50,10\n2,50,20\n";
  CHECK(contains(heading(by_top1, average), "· 2 of 20 epochs<"));
  CHECK(contains(heading(by_top1, "epoch,eval_top1\n1,50\n2,50\n3,50\n"), "no gain in 2 epochs"));
}

TEST_CASE("environment.json grows with every start") {
  TempFolder folder;
  const auto file = folder / "environment.json";
  add_start(file, {{"step", 0}}, false, quick_files());
  add_start(file, {{"step", 5}}, true, quick_files());
  CHECK(starts_of(read_text(file, ErrorCode::internal)) ==
        nlohmann::json::parse(R"([{"step": 0}, {"step": 5}])"));
  add_start(file, {{"step", 0}}, false, quick_files());
  CHECK(starts_of(read_text(file, ErrorCode::internal)).size() == 1);
  put(file, "{");
  add_start(file, {{"step", 7}}, true, quick_files());
  CHECK(starts_of(read_text(file, ErrorCode::internal)).size() == 1);
  CHECK(utc_time(0) == "1970-01-01T00:00:00Z");
  const nlohmann::json machine = describe_machine();
  for (const char* name : {"build", "compiler", "cpu", "system", "libraries"}) CHECK(machine.contains(name));
  CHECK(machine["memory_gib"] > 0);
}

}  // namespace
}  // namespace salu::test
