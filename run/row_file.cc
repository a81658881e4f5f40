// SPDX-License-Identifier: MIT
#include "run/row_file.h"

namespace salu {

void RowFile::add(std::string_view row) {
  waiting_ += row;
  const std::uint64_t before = file_.size();
  try {
    file_.write(waiting_);
    trouble_.clear();
  } catch (const Error& error) {
    trouble_ = error.what();
  }
  waiting_.erase(0, static_cast<std::size_t>(file_.size() - before));
}

}  // namespace salu
