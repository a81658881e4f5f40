// SPDX-License-Identifier: MIT
#include "core/backend.h"

#include <chrono>

#include "core/error.h"

namespace salu {
namespace {

const Backend* installed = nullptr;

class ClockMark : public QueueMark {
 public:
  void record() override { time_ = std::chrono::steady_clock::now(); }
  void wait() override {}
  double milliseconds_since(const QueueMark& earlier) const override {
    return std::chrono::duration<double, std::milli>(time_ - static_cast<const ClockMark&>(earlier).time_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point time_;
};

}  // namespace

const Backend& cuda_backend() {
  if (!installed) {
    fail(ErrorCode::usage, "device cuda: this build has no CUDA (configure with -Dcuda=enabled)");
  }
  return *installed;
}

bool has_cuda_backend() { return installed != nullptr; }

void install_cuda_backend(const Backend& backend) { installed = &backend; }

MemoryStats memory_of(Device device) {
  return device.type == DeviceType::cpu ? host_memory() : cuda_backend().memory();
}

void synchronize(Device device) {
  if (device.type == DeviceType::cuda) cuda_backend().synchronize();
}

std::unique_ptr<QueueMark> make_mark(Device device) {
  if (device.type == DeviceType::cuda) return cuda_backend().make_mark();
  return std::make_unique<ClockMark>();
}

}  // namespace salu
