// SPDX-License-Identifier: MIT
#include "data/dataset.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/rng.h"

namespace salu {
namespace {

class Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> source, std::vector<std::int64_t> indices)
      : Dataset(source->name(), source->class_names()),
        source_(std::move(source)),
        indices_(std::move(indices)) {
    Fingerprint f;
    f.add("subset").add(source_->fingerprint()).add(indices_.size());
    for (const std::int64_t i : indices_) {
      check(i >= 0 && i < source_->size(), "[subset] expected indices below {}, got {}", source_->size(), i);
      f.add(static_cast<std::uint64_t>(i));
    }
    fingerprint_ = f.value();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  std::unique_ptr<ImageSource> open(std::int64_t index) const override { return source_->open(at(index)); }
  int label(std::int64_t index) const override { return source_->label(at(index)); }
  std::string place(std::int64_t index) const override { return source_->place(at(index)); }

 private:
  std::int64_t at(std::int64_t index) const { return indices_.at(static_cast<std::size_t>(index)); }

  std::shared_ptr<const Dataset> source_;
  std::vector<std::int64_t> indices_;
};

// Integers that add up to `total`, in proportion to `weights`. Each is the difference of two rounded running
// sums, so its error is at most one.
std::vector<std::size_t> shares(const std::vector<std::size_t>& weights, std::size_t total) {
  const std::size_t sum = std::accumulate(weights.begin(), weights.end(), std::size_t{0});
  std::vector<std::size_t> out;
  std::size_t running = 0, given = 0;
  for (const std::size_t w : weights) {
    running += w;
    const std::size_t upto = (2 * running * total + sum) / (2 * sum);
    out.push_back(upto - given);
    given = upto;
  }
  return out;
}

}  // namespace

Image Dataset::image(std::int64_t index) const { return to_image(open(index)->whole()); }

std::string Dataset::place(std::int64_t index) const { return fmt::format("sample {} of {}", index, name_); }

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> source,
                                      std::vector<std::int64_t> indices) {
  return std::make_shared<Subset>(std::move(source), std::move(indices));
}

Holdout hold_out(const Dataset& source, std::int64_t count, std::uint64_t seed, const char* flag) {
  if (count <= 0 || count >= source.size()) {
    fail(ErrorCode::usage, "{}: {}; expected 1 to {}, the data set {} has {} samples", flag, count,
         source.size() - 1, source.name(), source.size());
  }
  std::vector<std::vector<std::int64_t>> by_class(source.class_names().size());
  for (std::int64_t i = 0; i < source.size(); ++i) {
    by_class.at(static_cast<std::size_t>(source.label(i))).push_back(i);
  }
  std::vector<std::size_t> sizes;
  for (const auto& members : by_class) sizes.push_back(members.size());
  const std::vector<std::size_t> quota = shares(sizes, static_cast<std::size_t>(count));

  Holdout out;
  for (std::size_t c = 0; c < by_class.size(); ++c) {
    std::vector<std::int64_t>& members = by_class[c];
    Rng rng({seed, Purpose::split, 0, static_cast<std::uint32_t>(c)});
    for (std::size_t i = members.size(); i > 1; --i) {
      std::swap(members[i - 1], members[rng.below(static_cast<std::uint32_t>(i))]);
    }
    const auto cut = members.begin() + static_cast<std::ptrdiff_t>(quota[c]);
    out.held.insert(out.held.end(), members.begin(), cut);
    out.kept.insert(out.kept.end(), cut, members.end());
  }
  std::sort(out.held.begin(), out.held.end());
  std::sort(out.kept.begin(), out.kept.end());
  return out;
}

std::shared_ptr<const Dataset> some_samples(std::shared_ptr<const Dataset> set, std::int64_t count,
                                            std::uint64_t seed, const char* flag) {
  if (count == 0 || count == set->size()) return set;
  if (count > set->size()) {
    fail(ErrorCode::usage, "{}: {}; expected at most {}, the samples of {}", flag, count, set->size(),
         set->name());
  }
  std::vector<std::int64_t> indices = hold_out(*set, count, seed, flag).held;
  return subset(std::move(set), std::move(indices));
}

// The loop terminates: add_bad() throws when more than max_bad_percent_ of the images are bad.
std::optional<Image> ImageReader::read(std::int64_t& index, const Decode& decode) {
  while (true) {
    if (!is_bad(index)) {
      try {
        return decode(*dataset_->open(index));
      } catch (const Error& e) {
        if (policy_ == BadImages::stop || e.code() != ErrorCode::data) throw;
        add_bad(index, e.what());
      }
    }
    if (policy_ == BadImages::leave_out) return std::nullopt;
    index = (index + 1) % dataset_->size();
  }
}

bool ImageReader::is_bad(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains(index);
}

void ImageReader::add_bad(std::int64_t index, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!bad_.insert(index).second) return;  // another thread was faster
  reports_.push_back(fmt::format("bad image skipped: {}", reason));
  const std::size_t count = bad_.size();
  if (count == 1 && max_bad_percent_ > 0) return;
  if (static_cast<double>(count) * 100 > max_bad_percent_ * static_cast<double>(dataset_->size())) {
    fail(ErrorCode::data,
         "{} of {} images of {} are unreadable; expected at most {} % (--max-bad){}. The last: {}. "
         "Find all of them with salutrain verify",
         count, dataset_->size(), dataset_->name(), max_bad_percent_, max_bad_percent_ > 0 ? ", or one" : "",
         reason);
  }
}

std::vector<std::string> ImageReader::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

}  // namespace salu
