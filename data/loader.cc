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

#include "core/out_of_memory.h"

namespace salu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kGlanceSeconds = 0.1;  // between two checks for a signal or a slow worker

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The sample index at each position of the epoch. With repeats, each sample comes several times in a row,
/// and the epoch is cut to its usual length.
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

/// One pass over the data. Batch b uses slot b % prefetch; a worker may claim it once the slot's previous
/// batch has been taken.
class Loader::Epoch {
 public:
  Epoch(const Loader& loader, std::uint32_t epoch, std::int64_t first_batch)
      : loader_(loader),
        epoch_(epoch),
        order_(sample_order(loader.dataset_->size(), loader.options_, epoch)),
        slots_(static_cast<std::size_t>(loader.options_.prefetch)),
        jobs_(static_cast<std::size_t>(std::max(loader.options_.workers, 1))),
        end_(loader.batches()),
        claimed_(first_batch),
        taken_(first_batch) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(loader.options_.workers); ++i) {
      workers_.emplace_back([this, i](std::stop_token stop) { work(stop, jobs_[i]); });
    }
  }

  bool next(Batch& batch) {
    while (taken_ != end_) {
      const auto begin = Clock::now();
      std::optional<Slot> taken = workers_.empty() ? fill(taken_, jobs_[0], {}) : take();
      wait_ += seconds_since(begin);
      if (!taken) return false;
      Slot& slot = *taken;
      for (const std::string& line : loader_.reader_->take_reports()) report(line);
      if (slot.error) std::rethrow_exception(slot.error);
      if (workers_.empty()) ++taken_;
      if (slot.batch.indices.empty()) continue;  // skips a batch whose images were all bad
      batch = std::move(slot.batch);
      return true;
    }
    return false;
  }

  double wait_seconds() const { return wait_; }

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };

  /// The image that a worker reads.
  struct Job {
    std::int64_t index = -1;  // none
    Clock::time_point since;
    bool reported = false;
  };

  void report(const std::string& line) const {
    if (loader_.options_.report) loader_.options_.report(line);
  }

  void begin_job(Job& job, std::int64_t index) {
    const std::lock_guard lock(mutex_);
    job = {index, Clock::now(), false};
  }

  // Reports each image that keeps a worker too long, once. A hung network disk would otherwise stop the run
  // silently.
  void report_slow_jobs() {
    for (Job& job : jobs_) {
      if (job.index < 0 || job.reported || seconds_since(job.since) < loader_.options_.slow_seconds) continue;
      job.reported = true;
      report(fmt::format("{}: a worker has been busy with it for {:.0f} s",
                         loader_.dataset_->place(job.index), seconds_since(job.since)));
    }
  }

  std::optional<Slot>& slot(std::int64_t b) { return slots_[static_cast<std::size_t>(b) % slots_.size()]; }

  // Waits for batch number taken_; nothing when LoaderOptions::stop ends the epoch. A failed batch stays in
  // its slot, so that every later call throws again.
  std::optional<Slot> take() {
    std::unique_lock lock(mutex_);
    const std::chrono::duration<double> glance(std::min(kGlanceSeconds, loader_.options_.slow_seconds / 4));
    while (!changed_.wait_for(lock, glance, [&] { return slot(taken_).has_value(); })) {
      if (loader_.options_.stop && loader_.options_.stop()) return std::nullopt;
      report_slow_jobs();
    }
    std::optional<Slot>& ready = slot(taken_);
    if (ready->error) return *ready;
    Slot out = std::move(*ready);
    ready.reset();
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    return out;
  }

  void work(std::stop_token stop, Job& job) {
    while (true) {
      std::int64_t b;
      {
        std::unique_lock lock(mutex_);
        const auto room = [&] { return claimed_ == end_ || claimed_ < taken_ + loader_.options_.prefetch; };
        if (!changed_.wait(lock, stop, room) || claimed_ == end_) return;
        b = claimed_++;
      }
      Slot filled = fill(b, job, stop);
      {
        const std::lock_guard lock(mutex_);
        job.index = -1;
        slot(b) = std::move(filled);
      }
      changed_.notify_all();
    }
  }

  Slot fill(std::int64_t b, Job& job, const std::stop_token& stop) {
    Slot out;
    try {
      out.batch = make_batch(b, job, stop);
    } catch (...) {
      out.error = std::current_exception();
    }
    return out;
  }

  Batch make_batch(std::int64_t b, Job& job, const std::stop_token& stop) {
    const auto first = order_.begin() + b * loader_.options_.batch_size;
    const LoaderOptions& options = loader_.options_;
    Batch batch;
    batch.part = part_of_rank(std::min<std::int64_t>(options.batch_size, order_.end() - first), options.rank,
                              options.ranks);
    const auto count = static_cast<std::int64_t>(batch.part.rows.size());
    batch.labels = Tensor::empty({count}, DType::i64);
    for (std::int64_t i = 0; i < count && !stop.stop_requested(); ++i) {
      const std::int64_t row = batch.part.rows[static_cast<std::size_t>(i)];
      std::int64_t index = first[row];
      begin_job(job, index);
      const std::optional<Image> image = sample(index, b * options.batch_size + row);
      if (image) add(batch, *image, index, count);
    }
    const auto got = static_cast<std::int64_t>(batch.indices.size());
    if (got > 0 && got < count) {
      batch.images = batch.images.slice(0, got);
      batch.labels = batch.labels.slice(0, got);
    }
    if (got > 0 && options.make_targets && !stop.stop_requested()) {
      options.make_targets(batch, {options.seed, Purpose::mixing, epoch_, static_cast<std::uint32_t>(b)});
    }
    return batch;
  }

  // Appends an image to a batch that has room for `count`.
  void add(Batch& batch, const Image& image, std::int64_t index, std::int64_t count) const {
    const std::size_t row = batch.indices.size();
    if (row == 0) batch.images = Tensor::empty({count, image.height, image.width, 3}, DType::u8);
    if (image.height != batch.images.dim(1) || image.width != batch.images.dim(2)) {
      fail(ErrorCode::internal, "[loader] expected images of one size {}, got {} x {} for sample {}",
           batch.images.shape().str(), image.height, image.width, index);
    }
    std::memcpy(batch.images.data<std::uint8_t>() + row * image.pixels.size(), image.pixels.data(),
                image.pixels.size());
    batch.labels.data<std::int64_t>()[row] = loader_.dataset_->label(index);
    batch.indices.push_back(index);
  }

  // Reads and transforms the image at `index`, the sample at this position of the order. Sets `index` to that
  // of a substitute; an image left out gives nothing. An exception gets the sample's place and keeps its exit
  // code.
  std::optional<Image> sample(std::int64_t& index, std::int64_t position) const {
    const RandomKey key{loader_.options_.seed, Purpose::augment, epoch_, static_cast<std::uint32_t>(index),
                        static_cast<std::uint32_t>(position % loader_.options_.repeats)};
    const auto place = [&] { return loader_.dataset_->place(index); };
    try {
      return loader_.reader_->read(index,
                                   [&](ImageSource& source) { return loader_.transform_(source, key); });
    } catch (const OutOfMemory& e) {
      throw OutOfMemory(fmt::format("{} ({})", e.what(), place()));
    } catch (const Error& e) {
      if (std::string_view(e.what()).find(place()) != std::string_view::npos) throw;
      fail(e.code(), "{} ({})", e.what(), place());
    } catch (const std::bad_alloc&) {
      throw OutOfMemory(fmt::format("out of memory while loading {}", place()));
    } catch (const std::exception& e) {
      fail(ErrorCode::internal, "{} ({})", e.what(), place());
    }
  }

  const Loader& loader_;
  const std::uint32_t epoch_;
  const std::vector<std::int64_t> order_;

  std::mutex mutex_;  // guards the five below
  std::condition_variable_any changed_;
  std::vector<std::optional<Slot>> slots_;
  std::vector<Job> jobs_;  // one for each worker
  const std::int64_t end_;
  std::int64_t claimed_, taken_;

  double wait_ = 0;
  // Last member: joins the threads before the members they use are destroyed.
  std::vector<std::jthread> workers_;
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options)
    : dataset_(std::move(dataset)),
      reader_(std::make_unique<ImageReader>(dataset_, options.bad_images, options.max_bad_percent)),
      transform_(std::move(transform)),
      options_(std::move(options)) {
  check(options_.batch_size > 0 && options_.workers >= 0 && options_.prefetch > 0 && options_.repeats > 0,
        "[loader] expected batch_size > 0, workers >= 0, prefetch > 0, repeats > 0, got {}, {}, {}, {}",
        options_.batch_size, options_.workers, options_.prefetch, options_.repeats);
  if (dataset_->size() == 0) fail(ErrorCode::data, "{}: no samples", dataset_->name());
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
  epoch_.reset();  // ends the workers of the previous epoch
  epoch_ = std::make_unique<Epoch>(*this, epoch, first_batch);
}

bool Loader::next(Batch& batch) {
  check(epoch_ != nullptr, "[loader] expected start() before next()");
  return epoch_->next(batch);
}

double Loader::wait_seconds() const { return epoch_ ? epoch_->wait_seconds() : 0; }

}  // namespace salu
