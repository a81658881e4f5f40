// SPDX-License-Identifier: MIT
/// Names, subsets, hold-outs and the built-in shapes.
#include <cmath>
#include <set>

#include "core/rng.h"
#include "core/text.h"
#include "data/generated.h"
#include "data/open_dataset.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

TEST_CASE("the nearest name is the one with the fewest edits, if any is near") {
  const std::vector<std::string> known = {"shapes", "cifar10", "cifar100", "folder"};
  CHECK(nearest_name("shape", known) == "shapes");
  CHECK(nearest_name("sahpes", known) == "shapes");
  CHECK(nearest_name("cifar-10", known) == "cifar10");
  CHECK(nearest_name("cifar1000", known) == "cifar100");
  CHECK(nearest_name("floder", known) == "folder");
  CHECK(nearest_name("imagenet", known) == "");
  CHECK(nearest_name("", known) == "");
  CHECK(nearest_name("x", {"a", "b"}) == "");
  CHECK(nearest_name(std::string(100000, 'x'), known) == "");
  CHECK(nearest_name("a", {}) == "");
  CHECK(did_you_mean("shape", known) == " (did you mean shapes?)");
  CHECK(did_you_mean("imagenet", known) == "");
}

TEST_CASE("messages keep names in other alphabets, and show what hides") {
  for (const char* name : {"", "a b~", "\u00fcn\u00ef", "\u732b", "\U0001f408", "\u00a0", "\u00ac", "\u061b",
                           "\u2764\ufe0f", "\U0010ffff"}) {
    CHECK(escaped(name) == name);
  }
  CHECK(escaped("a\n\x1b[31m\x7f") == "a\\x0a\\x1b[31m\\x7f");
  CHECK(escaped(std::string("\0", 1)) == "\\x00");
  CHECK(escaped("\u009b\u202e\u200b\ufeff") == "\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80\\x8b\\xef\\xbb\\xbf");
  // The Arabic letter mark, a soft hyphen, a Mongolian separator, a tag and the last one, a Hangul filler.
  CHECK(escaped("\u061c\u00ad\u180e") == "\\xd8\\x9c\\xc2\\xad\\xe1\\xa0\\x8e");
  CHECK(escaped("\U000e0000\U000e007f") == "\\xf3\\xa0\\x80\\x80\\xf3\\xa0\\x81\\xbf");
  CHECK(escaped("\u3164") == "\\xe3\\x85\\xa4");
  // Cut short, longer than need be, a surrogate, beyond the last, a lone second byte.
  CHECK(escaped("\xc3") == "\\xc3");
  CHECK(escaped("\xc3z\xe7\x8c") == "\\xc3z\\xe7\\x8c");
  CHECK(escaped("\xc0\xaf\xe0\x9f\xbf") == "\\xc0\\xaf\\xe0\\x9f\\xbf");
  CHECK(escaped("\xed\xa0\x80\xf4\x90\x80\x80\x80") == "\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\x80");
}

// 3 classes with 50, 30 and 21 samples.
class Uneven : public Dataset {
 public:
  Uneven() : Dataset("uneven", {"a", "b", "c"}) { fingerprint_ = 7; }
  std::int64_t size() const override { return 101; }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    Image image(1, 1);
    image.pixels[0] = static_cast<std::uint8_t>(index);
    return decoded_image(std::move(image));
  }
  int label(std::int64_t index) const override { return index < 50 ? 0 : index < 80 ? 1 : 2; }
};

TEST_CASE("words for a shell") {
  CHECK(shell_word("runs/a_b-1.5+x=2,3:4@5%") == "runs/a_b-1.5+x=2,3:4@5%");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("$x~*") == "'$x~*'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("a\\b") == "'a\\b'");
  // printf %s "$word" in bash gives these bytes back.
  CHECK(shell_word("a\nb'c\\d") == "$'a\\x0ab\\'c\\\\d'");
  CHECK(shell_word("\xe4 f") == "$'\\xe4 f'");
  CHECK(shell_word("\u00e4 f") == "'\u00e4 f'");
}

TEST_CASE("a subset is its source at the given places") {
  const auto source = std::make_shared<Uneven>();
  const auto part = subset(source, {100, 3, 60});
  CHECK(part->size() == 3);
  CHECK(part->image(0).pixels[0] == 100);
  CHECK(part->label(1) == 0);
  CHECK(part->label(2) == 1);
  CHECK(part->name() == "uneven");
  CHECK(part->class_names() == source->class_names());
  CHECK(part->fingerprint() != source->fingerprint());
  CHECK(part->fingerprint() == subset(source, {100, 3, 60})->fingerprint());
  CHECK(part->fingerprint() != subset(source, {100, 3, 61})->fingerprint());
  CHECK(
      contains(error_of([&] { subset(source, {101}); }), "1: [subset] expected indices below 101, got 101"));
  CHECK(contains(error_of([&] { subset(source, {-1}); }), "got -1"));
}

TEST_CASE("a hold-out takes its share of every class and nothing twice") {
  const Uneven source;
  for (const std::int64_t count : {1, 2, 10, 33, 100}) {
    const Holdout parts = hold_out(source, count, 42, "--val-from-train");
    std::set<std::int64_t> all(parts.kept.begin(), parts.kept.end());
    all.insert(parts.held.begin(), parts.held.end());
    CHECK(all.size() == 101);
    CHECK(*all.begin() == 0);
    CHECK(*all.rbegin() == 100);
    CHECK(static_cast<std::int64_t>(parts.held.size()) == count);
    CHECK(parts.kept.size() + parts.held.size() == 101);
    CHECK(std::is_sorted(parts.kept.begin(), parts.kept.end()));
    CHECK(std::is_sorted(parts.held.begin(), parts.held.end()));
    std::vector<double> held(3);
    for (const std::int64_t i : parts.held) ++held[static_cast<std::size_t>(source.label(i))];
    const double sizes[] = {50, 30, 21};
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(std::fabs(held[c] - sizes[c] * static_cast<double>(count) / 101) < 1);
  }
  CHECK(hold_out(source, 20, 1, "").held == hold_out(source, 20, 1, "").held);
  CHECK(hold_out(source, 20, 1, "").held != hold_out(source, 20, 2, "").held);
  for (const std::int64_t count : {-1, 0, 101, 102}) {
    const std::string message = error_of([&] { hold_out(source, count, 1, "--val-from-train"); });
    CHECK(contains(message, fmt::format("2: --val-from-train: {}; expected 1 to 100", count)));
  }
}

TEST_CASE("unknown data sets are refused with the known names and the nearest") {
  const std::string message = error_of([] { open_dataset({.dataset = "shape"}); });
  CHECK(contains(message, "2: --dataset: unknown data set 'shape' (did you mean shapes?); expected one of"));
  for (const std::string& name : known_datasets()) CHECK(contains(message, name));
  CHECK(contains(error_of([] { open_dataset({.dataset = "\n"}); }), "unknown data set '\\x0a'; expected"));
  CHECK(contains(error_of([] { open_dataset({.train_num_samples = -3}); }),
                 "2: --train-num-samples: -3; expected 0"));
  CHECK(contains(error_of([] { open_dataset({.val_from_train = 10000}); }),
                 "2: --val-from-train: 10000; expected"));
}

TEST_CASE("shapes open with a validation set of their own, or one held out") {
  const DataSplits plain = open_dataset({});
  CHECK(plain.train->size() == 10000);
  CHECK(plain.eval->size() == 2000);
  CHECK(plain.eval_name == "val");
  CHECK(plain.eval_is_validation);
  CHECK(plain.img_size == 32);
  CHECK(plain.train->class_names().size() == 10);
  CHECK(plain.train->image(0) != plain.eval->image(0));

  const DataSplits held =
      open_dataset({.val_from_train = 500, .train_num_samples = 1000, .val_num_samples = 30});
  CHECK(held.train->size() == 1000);
  CHECK(held.eval->size() == 30);
  CHECK(held.eval_is_validation);
  CHECK(open_dataset({.train_num_samples = 20000}).train->size() == 20000);

  CHECK(plain.train->fingerprint() == open_dataset({}).train->fingerprint());
  CHECK(plain.train->fingerprint() != plain.eval->fingerprint());
  CHECK(plain.train->fingerprint() != open_dataset({.seed = 1}).train->fingerprint());
  CHECK(plain.train->fingerprint() != open_dataset({.train_num_samples = 9999}).train->fingerprint());
  CHECK(plain.train->fingerprint() != held.train->fingerprint());
}

TEST_CASE("a shape is a function of seed, split and index") {
  const ShapesDataset a(1, ShapesSplit::train, 100), again(1, ShapesSplit::train, 50),
      other(2, ShapesSplit::train, 100), val(1, ShapesSplit::val, 100);
  std::set<std::string> seen;
  for (std::int64_t i = 0; i < 50; ++i) {
    const Image image = a.image(i);
    CHECK(image.height == 32);
    CHECK(image.width == 32);
    CHECK(image == again.image(i));
    CHECK(image != other.image(i));
    CHECK(image != val.image(i));
    seen.emplace(image.pixels.begin(), image.pixels.end());
  }
  CHECK(seen.size() == 50);
  CHECK(contains(error_of([&] { a.image(100); }), "[shapes] expected an index below 100"));
  CHECK(contains(error_of([&] { a.image(-1); }), "[shapes]"));
}

TEST_CASE("the normalisation of shapes fits their pixels") {
  const DataSplits splits = open_dataset({.train_num_samples = 500});
  double sum = 0, squares = 0, count = 0;
  for (std::int64_t i = 0; i < 500; ++i) {
    for (const std::uint8_t v : splits.train->image(i).pixels) {
      sum += v / 255.0;
      squares += v / 255.0 * v / 255.0;
      ++count;
    }
  }
  const double mean = sum / count, deviation = std::sqrt(squares / count - mean * mean);
  INFO("mean " << mean << ", standard deviation " << deviation);
  for (const float m : splits.mean) CHECK(std::fabs(m - mean) < 0.03);
  for (const float s : splits.std) CHECK(std::fabs(s - deviation) < 0.03);
}

// Multinomial logistic regression on the centred pixels.
class LinearModel {
 public:
  static constexpr std::size_t kInputs = 32 * 32 * 3, kClasses = 10;

  void step(const Image& image, int label, float rate) {
    std::array<float, kClasses> p = scores(image);
    const float highest = *std::max_element(p.begin(), p.end());
    float sum = 0;
    for (float& v : p) sum += v = std::exp(v - highest);
    for (std::size_t c = 0; c < kClasses; ++c) {
      const float slope = rate * (p[c] / sum - (static_cast<int>(c) == label));
      for (std::size_t i = 0; i < kInputs; ++i) w_[c][i] -= slope * input(image, i);
      b_[c] -= slope;
    }
  }
  int predict(const Image& image) const {
    const auto s = scores(image);
    return static_cast<int>(std::max_element(s.begin(), s.end()) - s.begin());
  }

 private:
  static float input(const Image& image, std::size_t i) {
    return static_cast<float>(image.pixels[i]) / 127.5f - 1;
  }
  std::array<float, kClasses> scores(const Image& image) const {
    std::array<float, kClasses> s = b_;
    for (std::size_t c = 0; c < kClasses; ++c) {
      for (std::size_t i = 0; i < kInputs; ++i) s[c] += w_[c][i] * input(image, i);
    }
    return s;
  }
  std::vector<std::array<float, kInputs>> w_{kClasses};
  std::array<float, kClasses> b_{};
};

TEST_CASE("a linear model does not solve the shapes") {
  const DataSplits splits = open_dataset({});
  std::vector<Image> train;
  for (std::int64_t i = 0; i < splits.train->size(); ++i) train.push_back(splits.train->image(i));
  LinearModel model;
  for (const float rate : {3e-4f, 1e-4f, 3e-5f}) {
    for (std::size_t i = 0; i < train.size(); ++i) {
      model.step(train[i], splits.train->label(static_cast<std::int64_t>(i)), rate);
    }
  }
  const auto accuracy = [&](const Dataset& set, std::int64_t count) {
    int right = 0;
    for (std::int64_t i = 0; i < count; ++i) right += model.predict(set.image(i)) == set.label(i);
    return static_cast<double>(right) / static_cast<double>(count);
  };
  const double on_val = accuracy(*splits.eval, splits.eval->size());
  INFO("linear model: train " << accuracy(*splits.train, 2000) << ", val " << on_val);
  CHECK(accuracy(*splits.train, 2000) > 0.2);  // it has learnt what it can
  CHECK(on_val < 0.4);
}

TEST_CASE("synthetic images are noise of the asked size, the same on every call") {
  DataOptions options;
  options.dataset = "synthetic";
  options.synthetic = {7, 5};
  options.train_num_samples = 2000;
  options.val_num_samples = 10;
  const DataSplits data = open_dataset(options);
  CHECK(data.train->size() == 2000);
  CHECK(data.eval->size() == 10);
  CHECK(data.img_size == 7);
  CHECK(data.train->class_names().size() == 5);
  const Image first = data.train->image(0);
  CHECK(first.size() == ImageSize{7, 7});
  CHECK(first == open_dataset(options).train->image(0));
  CHECK(first != data.train->image(1));
  CHECK(first != data.eval->image(0));
  double sum = 0;
  std::vector<int> count(5);
  for (std::int64_t i = 0; i < 2000; ++i) {
    for (const std::uint8_t v : data.train->image(i).pixels) sum += v;
    ++count.at(static_cast<std::size_t>(data.train->label(i)));
  }
  // Uniform bytes: 127.5, with a standard error of 74 / sqrt(2000 * 147) = 0.14.
  CHECK(std::abs(sum / (2000 * 147) - 127.5) < 0.7);
  for (const int n : count) CHECK(std::abs(n - 400) < 90);  // 5 standard deviations of 18
  DataOptions other = options;
  other.seed = 1;
  CHECK(open_dataset(other).train->fingerprint() != data.train->fingerprint());
  other = options;
  other.synthetic.side = 8;
  CHECK(open_dataset(other).train->fingerprint() != data.train->fingerprint());
}

}  // namespace
}  // namespace salu::test
