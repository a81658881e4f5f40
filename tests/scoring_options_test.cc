// SPDX-License-Identifier: MIT
/// Scoring with a list of valid classes, with several right answers per image, and without enough memory.
#include <fstream>
#include <new>

#include "core/out_of_memory.h"
#include "score/class_lists.h"
#include "score/evaluate.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

std::filesystem::path file_with(const TempFolder& folder, const std::string& text) {
  const std::filesystem::path path = folder.path() / "file";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

ModelCard card_of_four() {
  ModelCard card;
  card.model.num_classes = 4;
  card.class_names = {"cat", "2", "dog", "a b"};
  return card;
}

TEST_CASE("a list of classes takes names before indices") {
  const TempFolder folder;
  const auto listed = [&](const std::string& text) {
    return listed_classes(file_with(folder, text), card_of_four());
  };
  CHECK(listed("dog\n3\r\n\ncat\n") == std::vector<std::int64_t>{2, 3, 0});
  CHECK(listed("2") == std::vector<std::int64_t>{1});
  CHECK(listed("a b\n0\n0\n") == std::vector<std::int64_t>{3, 0, 0});
  CHECK(contains(error_of([&] { listed("cat\n4\n"); }),
                 "file: entry 2: '4'; expected a class name or an index in 0..3"));
  CHECK(contains(error_of([&] { listed("-1"); }), "3: "));
  CHECK(contains(error_of([&] { listed("1x"); }), "entry 1: '1x'"));
  CHECK(
      contains(error_of([&] { listed("\n\n"); }), "file: empty; expected a class name or an index per line"));
}

TEST_CASE("descriptions come from a file, else from the checkpoint") {
  const TempFolder folder;
  ScoringModel model;
  model.path = "net";
  model.card = card_of_four();
  model.card.class_names = {"n1", "n2", "n3", "n4"};
  using Words = std::vector<std::string>;
  const auto described = [&](const std::string& text) {
    return class_descriptions(file_with(folder, text), model);
  };
  CHECK(described("n2 two, zwei\nn1\tone\nn4  four\nn3 three \nn9 not there\n") ==
        Words{"one", "two, zwei", "three ", "four"});
  CHECK(contains(error_of([&] { described("n1 one\nn2\n"); }), "file: entry 2: 'n2'; expected a class name"));
  CHECK(contains(error_of([&] { described("n1 one\n two\n"); }), "3: "));
  CHECK(contains(error_of([&] { described("n1 one\nn2 two\nn4 four\n"); }), "no description of class 'n3'"));
  CHECK(contains(error_of([&] { class_descriptions("", model); }),
                 "2: --label-type description: net has no label_descriptions in its config.json. Give "
                 "--class-descriptions FILE"));
  model.label_descriptions = {{"n1", "one"}, {"n2", "two"}, {"n3", "three"}, {"n4", "four"}};
  CHECK(class_descriptions("", model) == Words{"one", "two", "three", "four"});
  model.label_descriptions["n3"] = 3;
  CHECK(
      contains(error_of([&] { class_descriptions("", model); }), "4: net: config.json: label_descriptions"));

  model.card.class_names.clear();  // weights from elsewhere
  CHECK(contains(error_of([&] { described("a one\nb two\n"); }), "2 descriptions for 4 outputs"));
  CHECK(described("d one\nc two\nb three\na four\n") == Words{"one", "two", "three", "four"});
  CHECK(model.card.class_names == Words{"d", "c", "b", "a"});
}

/// Images that are nothing but places.
class Places : public Dataset {
 public:
  explicit Places(std::vector<std::string> places)
      : Dataset("places", {"a", "b"}), places_(std::move(places)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(places_.size()); }
  std::unique_ptr<ImageSource> open(std::int64_t) const override { return decoded_image(Image(1, 1)); }
  int label(std::int64_t) const override { return 0; }
  std::string place(std::int64_t index) const override { return places_[static_cast<std::size_t>(index)]; }

 private:
  std::vector<std::string> places_;
};

TEST_CASE("any of several right answers will do, and an image without one does not count") {
  const TempFolder folder;
  const Places images({"x/n2/ILSVRC2012_val_00000003.JPEG", "x/n1/ILSVRC2012_val_00000001.JPEG",
                       "x/n1/ILSVRC2012_val_00000002_n1.JPEG", "x/n1/ILSVRC2012_val_00000004.png"});
  const RealLabels labels(file_with(folder, "[[0, 6], [], [1], [5]]"), images, 7);
  Batch batch;
  batch.indices = {0, 1, 2, 3};
  const float low = -INFINITY;
  const Tensor logits =
      Tensor::from<float>({4, 7}, {9, 8,   0, 0,   0,   0,   0,      // 1 is second
                                   0, 1,   2, 3,   4,   5,   6,      // 6 is first, 0 last
                                   9, 0,   0, 0,   0,   0,   0,      // does not count
                                   0, low, 1, low, low, low, low});  // 5 cannot be predicted
  RealScore score;
  labels.count(score, batch, logits);
  CHECK(score.samples == 3);
  CHECK(score.correct1 == 1);
  CHECK(score.correct5 == 2);
  CHECK(score.top1() == Approx(100.0 / 3));
  CHECK(RealScore().top5() == 0);
}

TEST_CASE("files of other kinds are not ReaL labels") {
  const TempFolder folder;
  const auto refused = [&](const std::string& text, const std::string& place) {
    return error_of([&] { RealLabels(file_with(folder, text), Places({place}), 10); });
  };
  const std::string first = "ILSVRC2012_val_00000001.JPEG";
  CHECK(refused("[[9]]", first) == "no error");
  CHECK(contains(refused("[[1]", first), "file: not a JSON array; expected a list of class indices"));
  CHECK(contains(refused("{\"a\": []}", first), "3: "));
  CHECK(contains(refused("[[1], [10]]", first),
                 "file: entry 2 is [10]; expected a list of class indices in 0..9"));
  CHECK(contains(refused("[[1], [-1]]", first), "entry 2 is [-1]"));
  CHECK(contains(refused("[[1.0]]", first), "entry 1 is [1.0]"));
  CHECK(contains(refused("[7]", first), "entry 1 is 7"));
  for (const char* place : {"ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000000.JPEG", "cat.jpg",
                            "ILSVRC2012_val_x.JPEG", "a.pack: image 1"}) {
    CHECK(contains(refused("[[1]]", place), std::string(place) + ": an image without an entry in"));
  }
}

TEST_CASE("a class that cannot be predicted is never right, however few there are") {
  EvalResult r;
  const float low = -INFINITY;
  count_batch(r,
              Tensor::from<float>({3, 3}, {low, 1, low,  //
                                           low, 1, low,  //
                                           NAN, 1, 0}),
              Tensor::from<std::int64_t>({3}, {0, 1, 0}));
  CHECK(r.correct1 == 1);
  CHECK(r.correct5 == 1);
  CHECK(confusion_matrix(r) == std::vector<std::int64_t>{0, 1, 0, 0, 1, 0, 0, 0, 0});
  const float row[] = {2, 5, 2, NAN};
  CHECK(rank_of(row, 3, 1) == 0);
  CHECK(rank_of(row, 3, 0) == 1);
  CHECK(rank_of(row, 3, 2) == 2);
  CHECK(rank_of(row, 4, 1) == 1);
  CHECK(rank_of(row, 4, 3) == kNeverPredicted);
}

TEST_CASE("the batch is halved until it fits, and stays so") {
  std::int64_t batch_size = 50;
  std::vector<std::int64_t> tried;
  const auto fits = [&](std::int64_t most) {
    return [&tried, most](std::int64_t n) {
      tried.push_back(n);
      if (n > most && n % 2 == 0) throw OutOfMemory("device");
      if (n > most) throw std::bad_alloc();
      EvalResult r;
      r.samples = n;
      return r;
    };
  };
  CHECK(with_smaller_batches(batch_size, fits(7)).samples == 6);
  CHECK(tried == std::vector<std::int64_t>{50, 25, 12, 6});
  CHECK(batch_size == 6);
  CHECK_THROWS_AS(with_smaller_batches(batch_size, fits(0)), std::bad_alloc);
  CHECK(tried == std::vector<std::int64_t>{50, 25, 12, 6, 6, 3, 1});
  batch_size = 4;
  CHECK(error_of([&] {
          with_smaller_batches(batch_size,
                               [](std::int64_t) -> EvalResult { fail(ErrorCode::environment, "no disk"); });
        }) == "5: no disk");
  CHECK(batch_size == 4);
  CHECK_THROWS_AS(Tensor::empty({1ll << 45}), OutOfMemory);  // what the allocator throws
}

}  // namespace
}  // namespace salu::test
