// SPDX-License-Identifier: MIT
#include "core/profile.h"

#include <algorithm>

#include "core/backend.h"
#include "core/error.h"

namespace salu {
namespace {

/// The number of events that may be unread: some steps of a large network.
constexpr std::size_t kMarks = 16384;

}  // namespace

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
  mark();
}

void Profile::leave() noexcept {
  open_.pop_back();
  try {
    mark();
  } catch (const Error&) {
    // The device has failed; its next op will report it.
  }
}

void Profile::mark() {
  if (begun_.size() == kMarks) settle();
  if (begun_.size() == marks_.size()) marks_.push_back(make_mark(device_));
  marks_[begun_.size()]->record();
  begun_.push_back(open_.back());
}

void Profile::settle() {
  const std::size_t last = begun_.size() - 1;
  marks_[last]->wait();
  for (std::size_t i = 0; i < last; ++i) {
    rows_[begun_[i]].ms += marks_[i + 1]->milliseconds_since(*marks_[i]);
  }
  std::swap(marks_.front(), marks_[last]);
  begun_ = {begun_[last]};
}

std::vector<ProfileRow> Profile::rows() {
  mark();
  settle();
  std::vector<ProfileRow> sorted = rows_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.ms > b.ms; });
  return sorted;
}

}  // namespace salu
