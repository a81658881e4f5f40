// SPDX-License-Identifier: MIT
#include "tests/fault_disk.h"

#include <fcntl.h>

#include <cerrno>
#include <type_traits>

#include "tests/temp_folder.h"

namespace salu::test {

namespace fs = std::filesystem;

FaultDisk::FaultDisk(fs::path root) : root_(std::move(root)), disk_(scan(root_)) {}

FaultDisk::NodePtr FaultDisk::scan(const Path& path) {
  auto node = std::make_shared<Node>();
  if (fs::is_symlink(path)) {
    node->kind = Node::Kind::link;
    node->data = fs::read_symlink(path).string();
  } else if (fs::is_directory(path)) {
    node->kind = Node::Kind::folder;
    for (const auto& entry : fs::directory_iterator(path)) {
      node->names[entry.path().filename().string()] = scan(entry.path());
    }
    node->durable_names = node->names;
  } else {
    node->data = node->durable_data = read_text(path, ErrorCode::internal);
  }
  return node;
}

FaultDisk::NodePtr FaultDisk::find(const Path& path) const {
  NodePtr node = disk_;
  const Path relative = path.lexically_relative(root_);
  for (const auto& part : relative) {
    if (part == "." || !node) continue;
    const auto it = node->names.find(part.string());
    node = it == node->names.end() ? nullptr : it->second;
  }
  return node;
}

void FaultDisk::restore(const Node& folder, const Path& path, Loss loss) {
  fs::create_directories(path);
  for (const auto& [name, node] : loss.names ? folder.durable_names : folder.names) {
    if (node->kind == Node::Kind::folder) {
      restore(*node, path / name, loss);
    } else if (node->kind == Node::Kind::link) {
      fs::create_symlink(node->data, path / name);
    } else {
      FileWriter file(quick_files(), path / name);
      file.write(loss.data ? node->durable_data : node->data);
      file.finish();
    }
  }
}

/// Descriptors that a fault kept from their owners.
void FaultDisk::close_all() {
  for (const auto& [fd, node] : open_) FileOps::sys_close(fd);
  open_.clear();
}

void FaultDisk::power_off(Loss loss) {
  for (const auto& entry : fs::directory_iterator(root_)) fs::remove_all(entry.path());
  restore(*disk_, root_, loss);
  disk_ = scan(root_);
  close_all();
  crashed_ = false;
  arm(-1, Fault::none);
}

/// Runs one operation, with the fault if it is the chosen one.
template <class Operation>
auto FaultDisk::counted(Operation&& operation) -> decltype(operation()) {
  if (crashed_) return -EIO;  // what destructors still try
  const int index = count_++;
  if (fault_ == Fault::broken && armed_ >= 0 && index >= armed_) return -EIO;
  if (index != armed_) return operation();
  const auto crash = [&]() {
    crashed_ = true;
    throw Crash{};
  };
  switch (fault_) {
    case Fault::error_before:
      return -EIO;
    case Fault::no_space:
      return -ENOSPC;
    case Fault::interrupted:
      return -EINTR;
    case Fault::crash_before:
      crash();
      break;
    case Fault::error_after:
      operation();
      return -EIO;
    case Fault::crash_after:
      operation();
      crash();
      break;
    default:
      break;
  }
  return operation();
}

int FaultDisk::sys_open(const Path& path, int flags) {
  return counted([&] {
    const int fd = FileOps::sys_open(path, flags);
    if (fd < 0) return fd;
    NodePtr node = find(path);
    if (!node) names_of_parent(path)[path.filename().string()] = node = std::make_shared<Node>();
    if (flags & O_TRUNC) node->data.clear();
    open_[fd] = node;
    return fd;
  });
}

ssize_t FaultDisk::sys_write(int fd, std::span<const std::byte> bytes) {
  const bool cut = count_ == armed_ && fault_ == Fault::short_write;
  return counted([&] {
    const ssize_t done = FileOps::sys_write(fd, cut ? bytes.first((bytes.size() + 1) / 2) : bytes);
    if (done > 0)
      open_.at(fd)->data.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(done));
    return done;
  });
}

int FaultDisk::sys_fsync(int fd) {
  return counted([&] {  // the model is enough: a real fsync would make the test a hundred times slower
    Node& node = *open_.at(fd);
    node.durable_data = node.data;
    node.durable_names = node.names;
    return 0;
  });
}

int FaultDisk::sys_close(int fd) {
  // Even a failed close closes: the descriptor itself must not leak over thousands of faults.
  FileOps::sys_close(fd);
  open_.erase(fd);
  return counted([] { return 0; });
}

int FaultDisk::sys_rename(const Path& from, const Path& to) {
  return counted([&] {
    const int result = FileOps::sys_rename(from, to);
    if (result < 0) return result;
    const NodePtr node = find(from);
    names_of_parent(from).erase(from.filename().string());
    names_of_parent(to)[to.filename().string()] = node;
    return result;
  });
}

int FaultDisk::sys_mkdir(const Path& path) {
  return counted([&] {
    const int result = FileOps::sys_mkdir(path);
    if (result < 0) return result;
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::folder;
    names_of_parent(path)[path.filename().string()] = node;
    return result;
  });
}

int FaultDisk::sys_unlink(const Path& path) {
  return counted([&] {
    const int result = FileOps::sys_unlink(path);
    if (result == 0) names_of_parent(path).erase(path.filename().string());
    return result;
  });
}

int FaultDisk::sys_rmdir(const Path& path) {
  return counted([&] {
    const int result = FileOps::sys_rmdir(path);
    if (result == 0) names_of_parent(path).erase(path.filename().string());
    return result;
  });
}

int FaultDisk::sys_symlink(const Path& target, const Path& link) {
  return counted([&] {
    const int result = FileOps::sys_symlink(target, link);
    if (result < 0) return result;
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::link;
    node->data = target.string();
    names_of_parent(link)[link.filename().string()] = node;
    return result;
  });
}

}  // namespace salu::test
