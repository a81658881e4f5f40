// SPDX-License-Identifier: MIT
#include "core/backend.h"
#include "cuda/kernels/tensor.h"
#include "cuda/runtime/cuda.h"
#include "cuda/runtime/register_ops.h"
#include "cuda/runtime/runtime.h"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

/// Leaked on purpose: tensors with static storage duration may be freed after any destructor of ours.
BlockCache& cache() {
  static BlockCache* instance = new BlockCache("device", allocate_raw, release_raw);
  return *instance;
}

/// Freed blocks are handed out again at once: the stream runs in order, so whoever writes to the block next
/// does so after its last reader.
std::shared_ptr<void> allocate(std::size_t bytes) {
  const std::size_t size = BlockCache::size_class(bytes);
  return std::shared_ptr<void>(cache().take(size), [size](void* block) { cache().give(block, size); });
}

MemoryStats memory() { return cache().stats(); }

std::shared_ptr<void> pinned(std::size_t bytes) {
  return std::shared_ptr<void>(allocate_pinned(bytes), release_pinned);
}

class EventMark : public QueueMark {
 public:
  void record() override { event_.record(); }
  void wait() override { event_.wait(); }
  double milliseconds_since(const QueueMark& earlier) const override {
    return event_.milliseconds_since(static_cast<const EventMark&>(earlier).event_);
  }

 private:
  Event event_;
};

class GraphRecording : public Recording {
 public:
  void begin() override { graph_.begin(); }
  void end() override { graph_.end(); }
  void replay() override { graph_.replay(); }

 private:
  Graph graph_;
};

std::unique_ptr<QueueMark> make_mark() { return std::make_unique<EventMark>(); }
std::unique_ptr<Recording> make_recording() { return std::make_unique<GraphRecording>(); }

const Backend backend{
    backend_name(), allocate,       copy_to_device, copy_to_host, copy_on_device,       fill,
    convert,        synchronize,    memory,         pinned,       queue_copy_to_device, queue_copy_to_host,
    make_mark,      make_recording, set_step_offset};

}  // namespace

void install(int index) {
  use_device(index);
  install_cuda_backend(backend);
  register_ops();
}

}  // namespace salu::cuda
