// SPDX-License-Identifier: MIT
#include "data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "core/error.h"

namespace salu {
namespace {

// With repeats, each sample stands there so many times in a row and the last ones are left out.
std::vector<std::int64_t> sample_order(std::int64_t size, const LoaderOptions& options, std::uint32_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (options.shuffle) {
    Rng rng({options.seed, Purpose::shuffle, epoch, 0});
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[rng.below(static_cast<std::uint32_t>(i))]);
    }
  }
  for (std::size_t i = order.size(); i-- > 0;)
    order[i] = order[i / static_cast<std::size_t>(options.repeats)];
  return order;
}

}  // namespace

/// One pass over the data. Batch number b goes to slot b % prefetch; a worker may claim it once the batch
/// that was there before has been taken.
class Loader::Epoch {
 public:
  Epoch(const Loader& loader, std::uint32_t epoch, std::int64_t first_batch)
      : loader_(loader),
        epoch_(epoch),
        order_(sample_order(loader.dataset_->size(), loader.options_, epoch)),
        slots_(static_cast<std::size_t>(loader.options_.prefetch)),
        end_(loader.batches()),
        claimed_(first_batch),
        taken_(first_batch) {
    for (int i = 0; i < loader.options_.workers; ++i) {
      workers_.emplace_back([this](std::stop_token stop) { work(stop); });
    }
  }

  bool next(Batch& batch) {
    if (taken_ == end_) return false;
    const auto begin = std::chrono::steady_clock::now();
    Slot slot = workers_.empty() ? fill(taken_) : take();
    wait_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (slot.error) std::rethrow_exception(slot.error);
    batch = std::move(slot.batch);
    if (workers_.empty()) ++taken_;
    return true;
  }

  double wait_seconds() const { return wait_; }

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };

  std::optional<Slot>& slot(std::int64_t b) { return slots_[static_cast<std::size_t>(b) % slots_.size()]; }

  // Waits for batch number taken_. A failed one stays in its slot, so that every later call meets it again.
  Slot take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return slot(taken_).has_value(); });
    std::optional<Slot>& ready = slot(taken_);
    if (ready->error) return *ready;
    Slot out = std::move(*ready);
    ready.reset();
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    return out;
  }

  void work(std::stop_token stop) {
    while (true) {
      std::int64_t b;
      {
        std::unique_lock lock(mutex_);
        const auto room = [&] { return claimed_ == end_ || claimed_ < taken_ + loader_.options_.prefetch; };
        if (!changed_.wait(lock, stop, room) || claimed_ == end_) return;
        b = claimed_++;
      }
      Slot filled = fill(b, stop);
      {
        const std::lock_guard lock(mutex_);
        slot(b) = std::move(filled);
      }
      changed_.notify_all();
    }
  }

  Slot fill(std::int64_t b, const std::stop_token& stop = {}) const {
    Slot out;
    try {
      out.batch = make_batch(b, stop);
    } catch (...) {
      out.error = std::current_exception();
    }
    return out;
  }

  Batch make_batch(std::int64_t b, const std::stop_token& stop) const {
    const auto first = order_.begin() + b * loader_.options_.batch_size;
    const auto count = std::min<std::int64_t>(loader_.options_.batch_size, order_.end() - first);
    Batch batch;
    batch.indices.assign(first, first + count);
    batch.labels = Tensor::empty({count}, DType::i64);
    for (std::int64_t i = 0; i < count && !stop.stop_requested(); ++i) {
      const std::int64_t index = batch.indices[static_cast<std::size_t>(i)];
      const Image image = sample(b * loader_.options_.batch_size + i);
      if (i == 0) batch.images = Tensor::empty({count, image.height, image.width, 3}, DType::u8);
      check(image.height == batch.images.dim(1) && image.width == batch.images.dim(2),
            "[loader] expected pictures of one size {}, got {} x {} for sample {}",
            batch.images.shape().str(), image.height, image.width, index);
      std::memcpy(batch.images.data<std::uint8_t>() + static_cast<std::size_t>(i) * image.pixels.size(),
                  image.pixels.data(), image.pixels.size());
      batch.labels.data<std::int64_t>()[i] = loader_.dataset_->label(index);
    }
    return batch;
  }

  // The transformed picture at a position of the order; an exception gets the sample's index and keeps its
  // exit code.
  Image sample(std::int64_t position) const {
    const std::int64_t index = order_[static_cast<std::size_t>(position)];
    const auto place = [&] {
      return fmt::format("sample {} of {}", index, escaped(loader_.dataset_->name()));
    };
    try {
      const RandomKey key{loader_.options_.seed, Purpose::augment, epoch_, static_cast<std::uint32_t>(index),
                          static_cast<std::uint32_t>(position % loader_.options_.repeats)};
      return loader_.transform_(loader_.dataset_->image(index), key);
    } catch (const Error& e) {
      fail(e.code(), "{} ({})", e.what(), place());
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::environment, "out of memory while loading {}", place());
    } catch (const std::exception& e) {
      fail(ErrorCode::internal, "{} ({})", e.what(), place());
    }
  }

  const Loader& loader_;
  const std::uint32_t epoch_;
  const std::vector<std::int64_t> order_;

  std::mutex mutex_;  // guards the four below
  std::condition_variable_any changed_;
  std::vector<std::optional<Slot>> slots_;
  const std::int64_t end_;
  std::int64_t claimed_, taken_;

  double wait_ = 0;
  std::vector<std::jthread> workers_;  // last: the threads end before what they use does
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options)
    : dataset_(std::move(dataset)), transform_(std::move(transform)), options_(options) {
  check(options_.batch_size > 0 && options_.workers >= 0 && options_.prefetch > 0 && options_.repeats > 0,
        "[loader] expected batch_size > 0, workers >= 0, prefetch > 0, repeats > 0, got {}, {}, {}, {}",
        options_.batch_size, options_.workers, options_.prefetch, options_.repeats);
  if (dataset_->size() == 0) fail(ErrorCode::data, "{}: no samples", escaped(dataset_->name()));
  if (batches() == 0) {
    fail(ErrorCode::usage,
         "--batch-size: dataset has {} samples, one global batch needs {}. Take a smaller batch",
         dataset_->size(), options_.batch_size);
  }
}

Loader::~Loader() = default;

std::int64_t Loader::batches() const {
  const std::int64_t size = dataset_->size();
  return options_.drop_last ? size / options_.batch_size
                            : (size + options_.batch_size - 1) / options_.batch_size;
}

void Loader::start(std::uint32_t epoch, std::int64_t first_batch) {
  check(first_batch >= 0 && first_batch <= batches(), "[loader] expected first_batch in 0..{}, got {}",
        batches(), first_batch);
  epoch_.reset();  // ends the workers of the epoch before
  epoch_ = std::make_unique<Epoch>(*this, epoch, first_batch);
}

bool Loader::next(Batch& batch) {
  check(epoch_ != nullptr, "[loader] expected start() before next()");
  return epoch_->next(batch);
}

double Loader::wait_seconds() const { return epoch_ ? epoch_->wait_seconds() : 0; }

}  // namespace salu
