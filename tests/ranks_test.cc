// SPDX-License-Identifier: MIT
/// The joint work of ranks: shares of a batch, sums of gradients, checks. mpi_test.py tests MPI itself.
#include <numeric>

#include "autograd/functions.h"
#include "core/ops/batch_inputs.h"
#include "data/loader.h"
#include "data/mixing.h"
#include "data/resize.h"
#include "models/model.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/mirror_rank.h"
#include "tests/thread_ranks.h"
#include "train/ranks/gradient_reducer.h"
#include "train/ranks/rank_checks.h"
#include "train/train_step.h"

namespace salu::test {
namespace {

TEST_CASE("the parts of a batch are disjoint, complete, even, and hold whole pairs") {
  for (int ranks = 1; ranks <= 5; ++ranks) {
    for (std::int64_t whole = 0; whole <= 61; ++whole) {
      std::vector<int> owner(static_cast<std::size_t>(whole), -1);
      std::size_t least = 1000, most = 0;
      for (int r = 0; r < ranks; ++r) {
        const BatchPart part = part_of_rank(whole, r, ranks);
        CHECK(part.whole == whole);
        CHECK(std::is_sorted(part.rows.begin(), part.rows.end()));
        for (const std::int64_t row : part.rows) {
          REQUIRE(owner.at(static_cast<std::size_t>(row)) == -1);
          owner[static_cast<std::size_t>(row)] = r;
        }
        least = std::min(least, part.rows.size());
        most = std::max(most, part.rows.size());
      }
      INFO(whole << " images, " << ranks << " ranks");
      CHECK(std::count(owner.begin(), owner.end(), -1) == 0);
      CHECK(most - least <= 1);
      if (whole % (2 * ranks) == 0) {
        CHECK(std::equal(owner.begin(), owner.end(), owner.rbegin()));
      }
    }
  }
  CHECK(contains(error_of([] { part_of_rank(8, 2, 2); }), "expected a rank below 2, got 2"));
}

/// Images of 4 x 4 whose pixels are functions of the index.
class Numbers : public Dataset {
 public:
  Numbers() : Dataset("numbers", {"a", "b", "c"}) {}
  std::int64_t size() const override { return 26; }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    Image image(4, 4);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      image.pixels[i] = static_cast<std::uint8_t>(index * 9 + static_cast<std::int64_t>(i));
    }
    return decoded_image(std::move(image));
  }
  int label(std::int64_t index) const override { return static_cast<int>(index % 3); }
};

std::unique_ptr<Loader> mixing_loader(int rank, int ranks, MixMode mode) {
  MixOptions mix;
  mix.mixup = 0.4;
  mix.cutmix = 1;
  mix.mode = mode;
  LoaderOptions options{.batch_size = 8, .rank = rank, .ranks = ranks, .workers = 0, .shuffle = true};
  options.drop_last = true;
  options.repeats = 3;
  options.make_targets = [mix](Batch& batch, RandomKey key) {
    batch.targets = smoothed_targets(batch.labels, 3, 0.1, SmoothingKind::uniform);
    mix_batch(batch.images, batch.targets, mix, key, &batch.part);
  };
  const auto augment = [](ImageSource& source, RandomKey key) {
    Image out = to_image(source.whole());
    out.pixels[0] = static_cast<std::uint8_t>(Rng(key).next());
    return out;
  };
  return std::make_unique<Loader>(std::make_shared<Numbers>(), augment, options);
}

TEST_CASE("ranks see the images of the whole batch, augmented and mixed alike") {
  for (const MixMode mode : {MixMode::batch, MixMode::pair, MixMode::elem}) {
    for (const int ranks : {2, 4}) {
      const auto whole = mixing_loader(0, 1, mode);
      whole->start(3);
      std::vector<std::unique_ptr<Loader>> parts;
      for (int r = 0; r < ranks; ++r) {
        parts.push_back(mixing_loader(r, ranks, mode));
        parts.back()->start(3);
      }
      Batch all, part;
      int batches = 0, mixed = 0;
      while (whole->next(all)) {
        ++batches;
        for (const auto& loader : parts) {
          REQUIRE(loader->next(part));
          REQUIRE(part.images.dim(0) == 8 / ranks);
          for (std::int64_t i = 0; i < part.images.dim(0); ++i) {
            const std::int64_t row = part.part.rows[static_cast<std::size_t>(i)];
            CHECK(part.indices[static_cast<std::size_t>(i)] == all.indices[static_cast<std::size_t>(row)]);
            CHECK(compare_bits(part.images.slice(i, i + 1), all.images.slice(row, row + 1)) == "");
            CHECK(compare_bits(part.targets.slice(i, i + 1), all.targets.slice(row, row + 1)) == "");
            const std::vector<float> t = part.targets.slice(i, i + 1).values<float>();
            mixed += std::count_if(t.begin(), t.end(), [](float p) { return p > 0.05f; }) > 1;
          }
        }
      }
      CHECK(batches == 3);
      CHECK(mixed > 0);
    }
  }
}

TEST_CASE("an image without its partner cannot be mixed") {
  Tensor images = Tensor::zeros({1, 4, 4, 3}, DType::u8), targets = Tensor::zeros({1, 3});
  MixOptions mix;
  mix.mixup = 1;
  const BatchPart part{4, {1}};
  CHECK(contains(error_of([&] { mix_batch(images, targets, mix, {}, &part); }),
                 "expected the partner of image 1 of 4, got 1"));
}

Variable probe(const Variable& x, const char* name, std::vector<std::string>& log) {
  return record(name, x.value(), {x}, [name, &log](const Tensor& dy, Gradients& gradients) {
    log.push_back(name);
    gradients.set(0, dy);
  });
}

TEST_CASE("a bucket is on its way as soon as its layers are done, before the backward pass ends") {
  ParameterStore store;
  Parameter* w[3];
  for (int i = 0; i < 3; ++i) {
    w[i] = &store.add("w" + std::to_string(i), {8, 8}, ParameterGroup::weights, constant_init(0.1));
  }
  Parameter& unused = store.add("unused", {5}, ParameterGroup::no_decay, constant_init(1));
  store.allocate(1);
  std::vector<std::string> log;
  MirrorRank ranks(&log);
  GradientReducer reducer(store, ranks, 100);  // two matrices fill a bucket
  CHECK(reducer.buckets() == 3);
  const Variable x(Tensor::full({4, 8}, 1.0));
  Variable y = probe(matmul(x, w[0]->variable), "first", log);
  y = probe(matmul(y, w[1]->variable), "second", log);
  y = probe(matmul(y, w[2]->variable), "third", log);
  const auto run = [&](const LeafListener& complete) {
    store.gradients().fill(0);
    backward(mean(y), {}, complete);
  };
  run([&](const Node& leaf) { reducer.complete(leaf); });
  CHECK(log == std::vector<std::string>{"third", "second", "sum of 128", "first", "sum of 64"});
  const Tensor before = store.gradients().clone();
  Tensor loss = Tensor::full({1}, 3.0);
  reducer.finish(loss);
  CHECK(loss.item() == 6);
  CHECK(log.size() == 7);  // what no op reads, and the loss
  CHECK(unused.variable.grad().values<double>() == std::vector<double>(5, 0.0));
  std::vector<float> doubled = before.values<float>();
  for (float& v : doubled) v *= 2;
  CHECK(store.gradients().values<float>() == doubled);
}

struct Outcome {
  std::vector<double> losses;
  Tensor values;
};

/// Six steps of a small network on 12 images, of which this rank has its part.
Outcome train(Communicator& ranks, std::int64_t accumulate, bool masks) {
  ModelConfig config;
  config.name = "salunet_c8";
  config.img_size = 8;
  config.drop = masks ? 0.3 : 0;
  const auto model = make_model(config);
  OptimizerConfig optimizer_config;
  optimizer_config.clip_grad = 0.5;
  Ema ema(model->store(), 0.9);
  Optimizer optimizer(model->store(), optimizer_config, &ema);
  TrainStep step(*model, model->store(), optimizer,
                 {.mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}, .accumulate = accumulate}, ranks);
  Outcome out;
  for (int s = 0; s < 6; ++s) {
    Tensor images = Tensor::empty({12, 8, 8, 3}, DType::u8), labels = Tensor::empty({12}, DType::i64);
    Rng rng({3, Purpose::test, static_cast<std::uint32_t>(s), 0});
    for (std::int64_t i = 0; i < images.numel(); ++i) {
      images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.below(256));
    }
    for (std::int64_t i = 0; i < 12; ++i) labels.data<std::int64_t>()[i] = rng.below(10);
    const Tensor targets = smoothed_targets(labels, 10, 0.1, SmoothingKind::uniform);
    const std::int64_t each = 12 / ranks.size(), begin = each * ranks.rank();
    step.run(images.slice(begin, begin + each).clone(), targets.slice(begin, begin + each).clone(), 0.05, s);
    const auto finished = step.take(true);
    out.losses.push_back(finished->result.loss);
    if (finished->samples != 12) out.losses.push_back(-1);
  }
  out.values = model->store().values();
  return out;
}

TEST_CASE("two and three ranks take the steps of one, to rounding, and end with equal bits") {
  for (const std::int64_t accumulate : {1, 2}) {
    SingleRank single;
    const Outcome want = train(single, accumulate, false);
    for (const int ranks : {2, 3}) {
      std::vector<Outcome> got(static_cast<std::size_t>(ranks));
      as_ranks(ranks, [&](Communicator& c) {
        got[static_cast<std::size_t>(c.rank())] = train(c, accumulate, false);
      });
      for (const Outcome& g : got) {
        REQUIRE(g.losses.size() == want.losses.size());
        for (std::size_t s = 0; s < want.losses.size(); ++s) {
          CHECK(std::abs(g.losses[s] - want.losses[s]) <= 1e-5 * want.losses[s]);
        }
        CHECK(g.losses == got[0].losses);
        CHECK(compare_bits(g.values, got[0].values) == "");
      }
    }
  }
}

TEST_CASE("ranks draw different masks") {
  std::vector<Outcome> got(2);
  as_ranks(2, [&](Communicator& c) { got[static_cast<std::size_t>(c.rank())] = train(c, 1, true); });
  CHECK(compare_bits(got[0].values, got[1].values) == "");
  Context first, second;
  second.rank = 1;
  CHECK(first.next_key(Purpose::dropout).block(0) != second.next_key(Purpose::dropout).block(0));
}

}  // namespace
}  // namespace salu::test
