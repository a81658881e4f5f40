// SPDX-License-Identifier: MIT
#include "core/profile.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/error.h"
#include "core/gpu.h"

namespace salu {
namespace {

constexpr std::size_t kMostNotes = 16384;  ///< most unread times: some steps of a large network

}  // namespace

/// A point in time; on a GPU, a point in its stream.
struct Profile::Time {
  std::optional<gpu::Event> event;
  std::chrono::steady_clock::time_point host;

  explicit Time(Device device) {
    if (device.type == DeviceType::cuda) event.emplace();
  }
  void note() { event ? event->record() : static_cast<void>(host = std::chrono::steady_clock::now()); }
  double milliseconds_since(const Time& earlier) const {
    if (event) return event->milliseconds_since(*earlier.event);
    return std::chrono::duration<double, std::milli>(host - earlier.host).count();
  }
};

const char* pass_name(ProfilePass pass) {
  constexpr const char* kNames[] = {"step", "forward", "backward", "optimizer"};
  return kNames[static_cast<std::size_t>(pass)];
}

Profile::Profile(Device device) : device_(device) {
  check(current_ == nullptr, "[profile] expected one profile per thread, got a second one");
  enter("rest", ProfilePass::step);
  current_ = this;
}

Profile::~Profile() { current_ = nullptr; }

void Profile::enter(const char* op) { enter(op, rows_[open_.back()].pass); }

void Profile::enter(const char* op, ProfilePass pass) {
  auto row = std::find_if(rows_.begin(), rows_.end(),
                          [&](const ProfileRow& r) { return r.pass == pass && r.op == op; });
  if (row == rows_.end()) row = rows_.insert(row, {op, pass});
  ++row->calls;
  open_.push_back(static_cast<std::size_t>(row - rows_.begin()));
  start_innermost();
}

void Profile::leave() noexcept {
  open_.pop_back();
  try {
    start_innermost();
  } catch (const Error&) {
    // An error here is dropped: the next op on the device reports it.
  }
}

void Profile::start_innermost() {
  if (begun_.size() == kMostNotes) settle();
  if (begun_.size() == times_.size()) times_.emplace_back(device_);
  times_[begun_.size()].note();
  begun_.push_back(open_.back());
}

void Profile::settle() {
  const std::size_t last = begun_.size() - 1;
  if (times_[last].event) times_[last].event->wait();
  for (std::size_t i = 0; i < last; ++i) {
    rows_[begun_[i]].ms += times_[i + 1].milliseconds_since(times_[i]);
  }
  std::swap(times_.front(), times_[last]);
  begun_ = {begun_[last]};
}

std::vector<ProfileRow> Profile::rows() {
  start_innermost();
  settle();
  std::vector<ProfileRow> sorted = rows_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.ms > b.ms; });
  return sorted;
}

}  // namespace salu
