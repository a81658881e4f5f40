// SPDX-License-Identifier: MIT
/// Measures the time that each op of a training step takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"

namespace salu {

class QueueMark;

/// Parts of a training step; `step` is the remainder outside of the other three.
enum class ProfilePass : unsigned char { step, forward, backward, optimizer };
const char* pass_name(ProfilePass pass);

/// Time of one op in one pass. The op "rest" is the time of a pass outside its ops: shapes, memory, graph.
struct ProfileRow {
  std::string op;
  ProfilePass pass = ProfilePass::step;
  std::int64_t calls = 0;
  double ms = 0;
};

/// While a profile exists, its clock runs for exactly one row at any time: the row of the innermost
/// ProfileScope of this thread. The time of an op excludes the ops inside it, so all rows add up to the
/// elapsed time. Ops of other threads are not seen.
///
/// The clock queues an event on the device at every change of row and reads it much later, so that a GPU does
/// not wait for the host. The rows of a GPU are device time, idle time while the host was late included.
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
  void mark();    ///< queues an event: from here the clock runs for the innermost row
  void settle();  ///< adds the times between events to the rows; keeps the last event

  inline static constinit thread_local Profile* current_ = nullptr;

  Device device_;
  std::vector<ProfileRow> rows_;
  std::vector<std::size_t> open_;  ///< rows of the open scopes, outermost first
  std::vector<std::unique_ptr<QueueMark>> marks_;
  std::vector<std::size_t> begun_;  ///< the row that begins at each event
};

/// Adds the time from its creation to its destruction to an op, or to the "rest" of a pass. Without a profile
/// it costs one branch.
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
