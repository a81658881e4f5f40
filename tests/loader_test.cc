// SPDX-License-Identifier: MIT
/// The loader's promises: order, equality for any number of workers, errors, no hangs.
#include "data/loader.h"

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "core/out_of_memory.h"
#include "data/resize.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

/// 23 images of 2 x 2 whose first value is the index; one of them may be bad.
class Numbers : public Dataset {
 public:
  explicit Numbers(std::int64_t size = 23, std::int64_t bad = -1)
      : Dataset("numbers", {"even", "odd"}), size_(size), bad_(bad) {}
  std::int64_t size() const override { return size_; }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    if (index == bad_) fail(ErrorCode::data, "bad/{}.jpg: truncated at byte 5", index);
    Image image(2, 2);
    image.pixels[0] = static_cast<std::uint8_t>(index);
    return decoded_image(std::move(image));
  }
  int label(std::int64_t index) const override { return static_cast<int>(index % 2); }

 private:
  std::int64_t size_, bad_;
};

// Writes random numbers of the key into the image.
Image scramble(ImageSource& source, RandomKey key) {
  Image out = to_image(source.whole());
  Rng rng(key);
  for (std::size_t i = 1; i < out.pixels.size(); ++i) out.pixels[i] = static_cast<std::uint8_t>(rng.next());
  return out;
}

struct Seen {
  std::vector<std::int64_t> indices, labels;
  std::vector<std::uint8_t> pixels;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> epoch_of(Loader& loader, std::uint32_t epoch, std::int64_t first = 0) {
  std::vector<Seen> out;
  loader.start(epoch, first);
  Batch batch;
  while (loader.next(batch)) {
    CHECK(batch.images.shape() == Shape{batch.labels.dim(0), 2, 2, 3});
    out.push_back({batch.indices, batch.labels.values<std::int64_t>(), batch.images.values<std::uint8_t>()});
  }
  CHECK(!loader.next(batch));
  return out;
}

LoaderOptions with_workers(int workers) {
  return {.batch_size = 5, .workers = workers, .prefetch = 3, .shuffle = true, .seed = 9};
}

const auto numbers = std::make_shared<Numbers>();

TEST_CASE("batches are equal for 0, 1, 2 and 7 workers and differ between epochs") {
  Loader reference(numbers, scramble, with_workers(0));
  const auto first = epoch_of(reference, 0), second = epoch_of(reference, 1);
  CHECK(first.size() == 5);
  CHECK(first != second);
  CHECK(first == epoch_of(reference, 0));
  for (const int workers : {1, 2, 7}) {
    for (const int prefetch : {1, 2, 16}) {
      LoaderOptions options = with_workers(workers);
      options.prefetch = prefetch;
      Loader loader(numbers, scramble, options);
      CHECK(epoch_of(loader, 0) == first);
      CHECK(epoch_of(loader, 1) == second);
    }
  }
  LoaderOptions other = with_workers(0);
  other.seed = 10;
  Loader reseeded(numbers, scramble, other);
  CHECK(epoch_of(reseeded, 0) != first);
}

TEST_CASE("an epoch taken up at batch k gives the rest of it") {
  for (const int workers : {0, 2}) {
    Loader loader(numbers, scramble, with_workers(workers));
    const auto whole = epoch_of(loader, 4);
    for (std::int64_t k = 0; k <= 5; ++k) {
      CHECK(epoch_of(loader, 4, k) == std::vector<Seen>(whole.begin() + k, whole.end()));
    }
    CHECK(contains(error_of([&] { loader.start(0, 6); }), "1: [loader] expected first_batch in 0..5, got 6"));
  }
}

TEST_CASE("every sample comes once per epoch, with its label; augmentation differs between epochs") {
  Loader loader(numbers, scramble, with_workers(2));
  std::vector<std::vector<std::uint8_t>> by_index[2];
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    by_index[epoch].resize(23);
    std::set<std::int64_t> seen;
    for (const Seen& batch : epoch_of(loader, epoch)) {
      for (std::size_t i = 0; i < batch.indices.size(); ++i) {
        const std::int64_t index = batch.indices[i];
        CHECK(seen.insert(index).second);
        CHECK(batch.labels[i] == index % 2);
        CHECK(batch.pixels[i * 12] == index);
        const auto begin = batch.pixels.begin() + static_cast<std::ptrdiff_t>(i * 12);
        by_index[epoch][static_cast<std::size_t>(index)].assign(begin, begin + 12);
      }
    }
    CHECK(seen.size() == 23);
  }
  for (std::size_t i = 0; i < 23; ++i) CHECK(by_index[0][i] != by_index[1][i]);
  const Image direct = scramble(*numbers->open(17), {9, Purpose::augment, 1, 17});
  CHECK(by_index[1][17] == direct.pixels);
}

TEST_CASE("repeats: each sample so many times in a row, each time augmented otherwise") {
  for (const int repeats : {2, 3, 30}) {
    LoaderOptions options = with_workers(0);
    Loader once(numbers, scramble, options);
    options.repeats = repeats;
    Loader reference(numbers, scramble, options);
    CHECK(reference.batches() == once.batches());
    std::vector<std::int64_t> order, plain;
    for (const Seen& batch : epoch_of(once, 1)) {
      plain.insert(plain.end(), batch.indices.begin(), batch.indices.end());
    }
    std::set<std::vector<std::uint8_t>> versions;
    const auto whole = epoch_of(reference, 1);
    for (const Seen& batch : whole) {
      for (std::size_t i = 0; i < batch.indices.size(); ++i) {
        const auto begin = batch.pixels.begin() + static_cast<std::ptrdiff_t>(i * 12);
        versions.insert({begin, begin + 12});
        const auto repeat = static_cast<std::uint32_t>(order.size()) % static_cast<std::uint32_t>(repeats);
        order.push_back(batch.indices[i]);
        const RandomKey key{9, Purpose::augment, 1, static_cast<std::uint32_t>(order.back()), repeat};
        CHECK(std::vector<std::uint8_t>(begin, begin + 12) ==
              scramble(*numbers->open(order.back()), key).pixels);
      }
    }
    REQUIRE(order.size() == 23);
    CHECK(versions.size() == 23);
    for (std::size_t i = 0; i < 23; ++i) CHECK(order[i] == plain[i / static_cast<std::size_t>(repeats)]);
    for (const int workers : {1, 3}) {
      options.workers = workers;
      Loader loader(numbers, scramble, options);
      CHECK(epoch_of(loader, 1) == whole);
      CHECK(epoch_of(loader, 1, 2) == std::vector<Seen>(whole.begin() + 2, whole.end()));
    }
  }
}

TEST_CASE("without shuffling the order is 0, 1, 2; the partial batch is delivered or left out") {
  LoaderOptions options{.batch_size = 5, .workers = 2};
  Loader all(numbers, scramble, options);
  CHECK(all.batches() == 5);
  std::int64_t expected = 0;
  const auto batches = epoch_of(all, 0);
  for (const Seen& batch : batches) {
    for (const std::int64_t index : batch.indices) CHECK(index == expected++);
  }
  CHECK(expected == 23);
  CHECK(batches.back().indices.size() == 3);
  options.drop_last = true;
  Loader full(numbers, scramble, options);
  CHECK(full.batches() == 4);
  CHECK(epoch_of(full, 0).back().indices.size() == 5);
}

TEST_CASE("a batch larger than the data set is refused when partial ones are left out") {
  const auto ten = std::make_shared<Numbers>(10);
  LoaderOptions options{.batch_size = 512, .drop_last = true};
  CHECK(contains(error_of([&] { Loader(ten, scramble, options); }),
                 "2: --batch-size: dataset has 10 samples, one global batch needs 512"));
  options.drop_last = false;
  Loader loader(ten, scramble, options);
  CHECK(epoch_of(loader, 0).front().indices.size() == 10);
  CHECK(contains(error_of([&] { Loader(std::make_shared<Numbers>(0), scramble, options); }),
                 "3: numbers: no samples"));
  options.batch_size = 0;
  CHECK(contains(error_of([&] { Loader(ten, scramble, options); }), "1: [loader] expected batch_size > 0"));
  Batch batch;
  CHECK(
      contains(error_of([&] { loader.start(0), Loader(ten, scramble, {}).next(batch); }), "start() before"));
}

TEST_CASE("an exception of a worker reaches next() in its place, with path and index, again and again") {
  for (const int workers : {0, 1, 3}) {
    Loader loader(std::make_shared<Numbers>(23, 12), scramble, {.batch_size = 5, .workers = workers});
    loader.start(0);
    Batch batch;
    CHECK(loader.next(batch));
    CHECK(loader.next(batch));
    for (int i = 0; i < 3; ++i) {
      CHECK(error_of([&] { loader.next(batch); }) ==
            "3: bad/12.jpg: truncated at byte 5 (sample 12 of numbers)");
    }
    loader.start(1, 3);  // past the bad one
    CHECK(loader.next(batch));
  }
}

/// 300 images; those whose index is in a list are bad, one other takes its time.
class Damaged : public Dataset {
 public:
  Damaged(std::set<std::int64_t> bad, std::int64_t slow = -1)
      : Dataset("damaged", {"even", "odd"}), bad_(std::move(bad)), slow_(slow) {}
  std::int64_t size() const override { return 300; }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    if (bad_.contains(index)) fail(ErrorCode::data, "{}.jpg: truncated", index);
    if (index == slow_) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    Image image(2, 2);
    image.pixels[0] = static_cast<std::uint8_t>(index % 256);
    return decoded_image(std::move(image));
  }
  int label(std::int64_t index) const override { return static_cast<int>(index % 2); }

 private:
  std::set<std::int64_t> bad_;
  std::int64_t slow_;
};

TEST_CASE("a bad image is reported once, and the next good one takes its place") {
  std::vector<Seen> reference;
  for (const int workers : {0, 1, 5}) {
    std::vector<std::string> reports;
    LoaderOptions options{.batch_size = 7, .workers = workers, .shuffle = true, .max_bad_percent = 1};
    options.bad_images = BadImages::substitute;
    options.report = [&](const std::string& line) { reports.push_back(line); };
    Loader loader(std::make_shared<Damaged>(std::set<std::int64_t>{10, 11, 299}), scramble, options);
    const auto epoch = epoch_of(loader, 3);
    if (workers == 0) reference = epoch;
    CHECK(epoch == reference);
    std::map<std::int64_t, int> times;
    for (const Seen& batch : epoch) {
      for (std::size_t i = 0; i < batch.indices.size(); ++i) {
        ++times[batch.indices[i]];
        CHECK(batch.labels[i] == batch.indices[i] % 2);
        CHECK(batch.pixels[i * 12] == batch.indices[i] % 256);
      }
    }
    CHECK(times.size() == 297);
    CHECK(times[12] == 3);
    CHECK(times[0] == 2);
    epoch_of(loader, 4);
    std::sort(reports.begin(), reports.end());
    CHECK(reports == std::vector<std::string>{"bad image skipped: 10.jpg: truncated",
                                              "bad image skipped: 11.jpg: truncated",
                                              "bad image skipped: 299.jpg: truncated"});
  }
}

TEST_CASE("a bad image is left out of scoring, also where a whole batch goes") {
  for (const int workers : {0, 3}) {
    for (const std::int64_t batch_size : {1, 2, 300}) {
      LoaderOptions options{.batch_size = batch_size, .workers = workers, .max_bad_percent = 1};
      options.bad_images = BadImages::leave_out;
      Loader loader(std::make_shared<Damaged>(std::set<std::int64_t>{0, 298, 299}), scramble, options);
      std::int64_t expected = 1;
      for (const Seen& batch : epoch_of(loader, 0)) {
        for (std::size_t i = 0; i < batch.indices.size(); ++i) {
          CHECK(batch.indices[i] == expected);
          CHECK(batch.pixels[i * 12] == expected % 256);
          ++expected;
        }
      }
      CHECK(expected == 298);
    }
  }
}

TEST_CASE("more bad images than --max-bad, and than one, stop the run") {
  for (const BadImages policy : {BadImages::substitute, BadImages::leave_out}) {
    const auto error = [&](std::set<std::int64_t> bad, LoaderOptions options) {
      options.batch_size = 50;
      options.bad_images = policy;
      Loader loader(std::make_shared<Damaged>(std::move(bad)), scramble, options);
      return error_of([&] { epoch_of(loader, 0); });
    };
    CHECK(error({5}, {}) == "no error");
    CHECK(contains(
        error({5, 7}, {}),
        "3: 2 of 300 images of damaged are unreadable; expected at most 0.1 % (--max-bad), or one. "));
    CHECK(contains(error({5}, {.max_bad_percent = 0}),
                   "3: 1 of 300 images of damaged are unreadable; expected at most 0 % (--max-bad). "));
    CHECK(contains(error({5, 6, 7, 105}, {.workers = 0, .max_bad_percent = 1}),
                   "expected at most 1 % (--max-bad), or one. The last: 105.jpg: truncated. Find all of them "
                   "with salutrain verify"));
    CHECK(error({5, 6, 7, 105}, {.max_bad_percent = 1.4}) == "no error");  // 4 of 300 are less
  }
}

TEST_CASE("a worker that takes long for one image is named once") {
  std::vector<std::string> reports;
  LoaderOptions options{.batch_size = 10, .workers = 2};
  options.slow_seconds = 0.05;
  options.report = [&](const std::string& line) { reports.push_back(line); };
  Loader loader(std::make_shared<Damaged>(std::set<std::int64_t>{}, 17), scramble, options);
  epoch_of(loader, 0);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0] == "sample 17 of damaged: a worker has been busy with it for 0 s");
}

TEST_CASE("a wait for an image that does not come can be given up") {
  std::atomic<bool> release = false, stop = false;
  const auto stuck = [&](ImageSource& source, RandomKey key) {
    while (key.index == 7 && !release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return to_image(source.whole());
  };
  LoaderOptions options{.batch_size = 5, .workers = 2};
  options.stop = [&] { return stop.load(); };
  Loader loader(numbers, stuck, options);
  loader.start(0);
  Batch batch;
  CHECK(loader.next(batch));
  std::jthread signal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
  });
  CHECK(!loader.next(batch));
  CHECK(stop);
  stop = false;
  release = true;
  CHECK(loader.next(batch));  // batch 1, where the wait was
  CHECK(batch.indices.front() == 5);
}

TEST_CASE("errors of the transform keep their meaning") {
  const auto message = [](Loader::Transform transform) {
    Loader loader(numbers, std::move(transform), {.batch_size = 5});
    loader.start(0);
    Batch batch;
    return error_of([&] { loader.next(batch); });
  };
  CHECK(contains(message([](ImageSource&, RandomKey) -> Image { throw std::runtime_error("odd"); }),
                 "1: odd (sample 0 of numbers)"));
  CHECK(contains(message([](ImageSource&, RandomKey) -> Image { throw std::bad_alloc(); }),
                 "5: out of memory while loading sample 0"));
  for (const Loader::Transform& transform :
       {Loader::Transform([](ImageSource&, RandomKey) -> Image { throw std::bad_alloc(); }),
        Loader::Transform([](ImageSource&, RandomKey) -> Image { throw OutOfMemory("host"); })}) {
    Loader loader(numbers, transform, {.batch_size = 5});
    loader.start(0);
    Batch batch;
    CHECK_THROWS_AS(loader.next(batch), OutOfMemory);  // a smaller batch may help
  }
  CHECK(
      contains(message([](ImageSource&, RandomKey key) { return Image(1, 1 + static_cast<int>(key.index)); }),
               "1: [loader] expected images of one size (5,1,1,3), got 1 x 2 for sample 1"));
}

TEST_CASE("a loader that is left in the middle ends at once, also with full and with empty slots") {
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 100; ++round) {
    Loader loader(numbers, scramble, with_workers(1 + round % 7));
    if (round % 4 == 0) continue;
    loader.start(0);
    Batch batch;
    for (int i = 0; i < round % 6; ++i) loader.next(batch);
    if (round % 3 == 0) loader.start(1);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("at most `prefetch` batches are prepared ahead, and the wait is counted") {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto slow = [calls](ImageSource& source, RandomKey) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++*calls;
    return to_image(source.whole());
  };
  Loader loader(std::make_shared<Numbers>(200), slow, {.batch_size = 2, .workers = 3, .prefetch = 4});
  loader.start(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(*calls <= 8);
  Batch batch;
  while (loader.next(batch)) {
  }
  CHECK(*calls == 200);
  CHECK(loader.wait_seconds() > 0);
  Loader alone(std::make_shared<Numbers>(10), slow, {.batch_size = 5, .workers = 0});
  CHECK(alone.wait_seconds() == 0);
  alone.start(0);
  while (alone.next(batch)) {
  }
  CHECK(alone.wait_seconds() >= 0.02);  // ten images of at least 2 ms
  alone.start(1);
  CHECK(alone.wait_seconds() == 0);
}

}  // namespace
}  // namespace salu::test
