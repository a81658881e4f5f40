// SPDX-License-Identifier: MIT
/// Images per second that the loader prepares. For each line "WAY WORKERS" on stdin, one pass on the clock
/// and a line of JSON; so bench/compare_data.py lets it take turns with torchvision.
///   bench_data DIR PACK CIFAR
/// DIR holds class folders of images, PACK was made from them, CIFAR is a folder in the format of CIFAR-10.
/// Each pass ends in batches of bytes, as a training step takes them. WORKERS 0 prepares on the calling
/// thread.
#include <iostream>

#include "bench/timing.h"
#include "core/error.h"
#include "data/cifar.h"
#include "data/decode.h"
#include "data/folder.h"
#include "data/loader.h"
#include "data/pack.h"
#include "data/resize.h"
#include "data/transform.h"

namespace salu::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Decodes each image as a whole, whatever is asked for.
class WholeImages : public Dataset {
 public:
  explicit WholeImages(std::shared_ptr<const Dataset> source)
      : Dataset(source->name(), source->class_names()), source_(std::move(source)) {}
  std::int64_t size() const override { return source_->size(); }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override {
    return decoded_image(source_->image(index));
  }
  int label(std::int64_t index) const override { return source_->label(index); }

 private:
  std::shared_ptr<const Dataset> source_;
};

struct Sources {
  std::shared_ptr<const Dataset> folder, pack, cifar;
};

Sources open_sources(const std::string& dir, const std::string& pack, const std::string& cifar) {
  DataOptions packed;
  packed.data_dir = pack;
  return {std::make_shared<FolderDataset>("bench", dir, DecodeOptions(), 0), open_packed(packed).train,
          std::make_shared<CifarDataset>(Cifar::ten, cifar, false)};
}

TransformOptions random_part() {
  TransformOptions options;
  options.img_size = 224;
  options.crop_pct = 224.0 / 256;
  options.interpolation = Interpolation::bilinear;
  options.train_interpolation = Interpolation::bilinear;
  return options;
}

TransformOptions rand_augment() {
  TransformOptions options = random_part();
  options.policy = AutoAugment::parse("rand-m9-p1");  // torchvision leaves no step out
  return options;
}

struct Way {
  std::shared_ptr<const Dataset> dataset;
  Loader::Transform transform;
};

Loader::Transform training(const TransformOptions& options) {
  return [options](ImageSource& source, RandomKey key) { return train_transform(source, options, key); };
}

Way way_of(const std::string& name, const Sources& sources) {
  const auto whole = std::make_shared<WholeImages>(sources.folder);
  const auto evaluation = [options = random_part()](ImageSource& source, RandomKey) {
    return eval_transform(source, options);
  };
  if (name == "part-whole") return {whole, training(random_part())};
  if (name == "part") return {sources.folder, training(random_part())};
  if (name == "rand-whole") return {whole, training(rand_augment())};
  if (name == "rand") return {sources.folder, training(rand_augment())};
  if (name == "eval") return {sources.folder, evaluation};
  if (name == "pack-part") return {sources.pack, training(random_part())};
  if (name == "pack-rand") return {sources.pack, training(rand_augment())};
  if (name == "pack-eval") return {sources.pack, evaluation};
  if (name == "cifar") return {sources.cifar, training(TransformOptions{})};
  fail(ErrorCode::usage, "bench_data: no way {}", escaped(name));
}

int run(const Sources& sources) {
  std::uint32_t epoch = 0;
  std::string name;
  for (int workers = 0; std::cin >> name >> workers; ++epoch) {
    const Way way = way_of(name, sources);
    Loader loader(way.dataset, way.transform,
                  {.batch_size = 50, .workers = workers, .prefetch = 8, .shuffle = true});
    const auto start = Clock::now();
    loader.start(epoch);
    std::int64_t images = 0;
    for (Batch batch; loader.next(batch);) images += batch.labels.numel();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    fmt::print("{{\"images\": {}, \"seconds\": {:.6f}, \"with\": \"{}\"}}\n", images, seconds,
               jpeg_decoder());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace salu::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "bench_data DIR PACK CIFAR\n");
    return 2;
  }
  return salu::bench::run(salu::bench::open_sources(argv[1], argv[2], argv[3]));
}
