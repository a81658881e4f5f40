// SPDX-License-Identifier: MIT
/// Measures the time that each op of a training step takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/device.h"

namespace salu {

/// Parts of a training step; `step` is the work outside the other three.
enum class ProfilePass : unsigned char { step, forward, backward, optimizer };
const char* pass_name(ProfilePass pass);

/// Time of one op in one pass. The op "rest" is the work between the ops: shapes, memory, the graph.
struct ProfileRow {
  std::string op;
  ProfilePass pass = ProfilePass::step;
  std::int64_t calls = 0;
  double ms = 0;
};

/// While a profile exists, its clock charges exactly one row at any time: that of the innermost ProfileScope
/// of this thread. The time of an op excludes the ops inside it, so all rows add up to the elapsed time. Ops
/// of other threads are not counted.
///
/// Each change of row records a time. On a GPU that is an event in its stream, read much later, so that the
/// GPU does not wait for the host. GPU rows are device time and include the pauses in which the host was
/// late.
class Profile {
 public:
  /// Throws ErrorCode::internal when this thread has a profile already.
  explicit Profile(Device device);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// The rows so far, longest time first.
  std::vector<ProfileRow> rows();

 private:
  friend class ProfileScope;
  void enter(const char* op);  ///< in the current pass
  void enter(const char* op, ProfilePass pass);
  void leave() noexcept;
  struct Time;
  void start_innermost();  ///< charges the innermost row from here on
  void settle();           ///< charges the time between the recorded times to their rows; keeps the last one

  inline static constinit thread_local Profile* current_ = nullptr;

  Device device_;
  std::vector<ProfileRow> rows_;
  std::vector<std::size_t> open_;   ///< rows of the scopes that are alive, outermost first
  std::vector<Time> times_;         ///< recorded times; reused after every settle()
  std::vector<std::size_t> begun_;  ///< the row that begins at each of them
};

/// Charges its lifetime to an op, or to the "rest" of a pass. Without a profile it costs one branch.
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
