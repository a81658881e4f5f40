// SPDX-License-Identifier: MIT
#include "data/bad_images.h"

#include <utility>

#include "core/error.h"

namespace salu {

// Ends: at most max_bad_percent_ of the pictures are passed over before add_bad() throws.
std::optional<Image> PictureSource::read(std::int64_t& index, const Use& use) {
  while (true) {
    if (!is_bad(index)) {
      try {
        return use(*dataset_->picture(index));
      } catch (const Error& e) {
        if (policy_ == BadImages::stop || e.code() != ErrorCode::data) throw;
        add_bad(index, e.what());
      }
    }
    if (policy_ == BadImages::leave_out) return std::nullopt;
    index = (index + 1) % dataset_->size();
  }
}

bool PictureSource::is_bad(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains(index);
}

void PictureSource::add_bad(std::int64_t index, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!bad_.insert(index).second) return;  // another thread was faster
  reports_.push_back(fmt::format("bad picture skipped: {}", reason));
  const std::size_t count = bad_.size();
  if (count == 1 && max_bad_percent_ > 0) return;
  if (static_cast<double>(count) * 100 > max_bad_percent_ * static_cast<double>(dataset_->size())) {
    fail(ErrorCode::data,
         "{} of {} pictures of {} are unreadable; expected at most {} % (--max-bad){}. The last: {}. "
         "Find all of them with salutrain verify",
         count, dataset_->size(), escaped(dataset_->name()), max_bad_percent_,
         max_bad_percent_ > 0 ? ", or one" : "", reason);
  }
}

std::vector<std::string> PictureSource::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

}  // namespace salu
