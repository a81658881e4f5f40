// SPDX-License-Identifier: MIT
/// Where the time of a training step goes, op by op.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"

namespace salu {

class QueueMark;

/// Parts of a training step; `step` is what belongs to none of the others.
enum class ProfilePass : unsigned char { step, forward, backward, optimizer };
const char* pass_name(ProfilePass pass);

/// What one op took in one pass. The op "rest" is what no op of the pass took: shapes, memory, the graph.
struct ProfileRow {
  std::string op;
  ProfilePass pass = ProfilePass::step;
  std::int64_t calls = 0;
  double ms = 0;
};

/// While a profile lives, a clock runs for exactly one row at any time: that of the innermost ProfileScope of
/// this thread. An op inside an op takes its time away from the outer one, and all rows together are the
/// time that has passed. Ops of other threads are not seen.
///
/// The clock is a mark in the device's queue wherever the row changes, read much later, so that a GPU does
/// not wait for the host: its rows are device time, with the pauses in which the host was late.
class Profile {
 public:
  /// Throws ErrorCode::internal when this thread has a profile already.
  explicit Profile(Device device);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// The time until now, longest first.
  std::vector<ProfileRow> rows();

 private:
  friend class ProfileScope;
  void enter(const char* op);  ///< in the pass that is going on
  void enter(const char* op, ProfilePass pass);
  void leave() noexcept;
  void mark();    ///< the clock runs for the innermost row from here on
  void settle();  ///< hands out the time between the marks; the last one stays

  inline static constinit thread_local Profile* current_ = nullptr;

  Device device_;
  std::vector<ProfileRow> rows_;
  std::vector<std::size_t> open_;  ///< rows of the scopes that are alive, outermost first
  std::vector<std::unique_ptr<QueueMark>> marks_;
  std::vector<std::size_t> begun_;  ///< the row that begins at each mark
};

/// Charges the time of its life to an op, or to what lies between the ops of a pass. Without a profile it is
/// one branch.
class ProfileScope {
 public:
  explicit ProfileScope(const char* op) : profile_(Profile::current_) {
    if (profile_) [[unlikely]]
      profile_->enter(op);
  }
  explicit ProfileScope(ProfilePass pass) : profile_(Profile::current_) {
    if (profile_) [[unlikely]]
      profile_->enter("rest", pass);
  }
  ~ProfileScope() {
    if (profile_) [[unlikely]]
      profile_->leave();
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  Profile* profile_;
};

}  // namespace salu
