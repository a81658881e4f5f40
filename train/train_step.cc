// SPDX-License-Identifier: MIT
#include "train/train_step.h"

#include <cstring>

#include "autograd/functions.h"
#include "core/ops/arithmetic.h"
#include "core/ops/batch_inputs.h"
#include "core/profile.h"

namespace salu {
namespace {

/// Steps that run kernel by kernel before one is captured: they fill the allocator's cache and choose the
/// libraries' algorithms, neither of which is allowed during capture.
constexpr std::int64_t kEagerSteps = 3;

}  // namespace

/// Pinned memory for the inputs and result of a step, and the event after which it may be reused. Two slots
/// alternate.
struct TrainStep::Slot {
  std::shared_ptr<void> images, targets, control;
  std::size_t image_bytes = 0, target_bytes = 0;
  gpu::Event done;
};

TrainStep::TrainStep(const Model& model, ParameterStore& store, Optimizer& optimizer,
                     TrainStepOptions options, Communicator& ranks)
    : model_(model),
      store_(store),
      optimizer_(optimizer),
      options_(options),
      device_(store.values().device()),
      ranks_(ranks),
      reducer_(store, ranks) {
  options_.record = options_.record && ranks.size() == 1;
  if (store.statistics().defined()) statistics_before_ = store.statistics().clone();
  if (device_.type != DeviceType::cuda) return;
  for (auto& slot : slots_) slot = std::make_unique<Slot>();
  graph_.emplace();
}

TrainStep::~TrainStep() = default;

Variable TrainStep::forward(const Tensor& images, const Tensor& targets, Context& context) {
  const ProfileScope pass(ProfilePass::forward);
  const Tensor pixels = normalize_images(images, options_.mean, options_.std, store_.activations());
  const Variable logits = model_.forward(Variable(pixels), context);
  return options_.bce ? bce_with_logits(logits, targets) : cross_entropy(logits, targets);  // (n,K) -> (1)
}

Tensor TrainStep::forward_backward(const Tensor& images, const Tensor& targets, Context& context, bool last) {
  const Variable loss = forward(images, targets, context);
  const double share = 1 / static_cast<double>(options_.accumulate * ranks_.size());
  LeafListener complete;
  if (last) complete = [this](const Node& leaf) { reducer_.complete(leaf); };
  backward(loss, Tensor::full({1}, share, loss.value().dtype(), device_), complete);
  return share == 1 ? loss.value() : scale_forward(loss.value(), share);
}

void TrainStep::do_step(const Tensor& images, const Tensor& targets, std::int64_t step) {
  Context context;
  context.training = true;
  context.seed = options_.seed;
  context.step = static_cast<std::uint32_t>(step);
  context.rank = static_cast<std::uint32_t>(ranks_.rank());
  store_.gradients().fill(0);
  if (statistics_before_.defined()) statistics_before_.copy_from(store_.statistics());
  const std::int64_t part = images.dim(0) / options_.accumulate;
  Tensor loss;
  for (std::int64_t begin = 0; begin < images.dim(0); begin += part) {
    const Tensor share =
        forward_backward(images.slice(begin, begin + part), targets.slice(begin, begin + part), context,
                         begin + part == images.dim(0));
    loss = loss.defined() ? add_forward(loss, share) : share;
  }
  reducer_.finish(loss);
  optimizer_.step(loss);
  // Restores the running statistics, which the forward pass has changed, unless the step is applied.
  if (statistics_before_.defined()) take_back(store_.statistics(), statistics_before_, optimizer_.control());
}

void TrainStep::run(const Tensor& images, const Tensor& targets, double lr, std::int64_t step) {
  check(images.dim(0) > 0 && images.dim(0) % options_.accumulate == 0,
        "[train_step] expected a multiple of {} images, got {}", options_.accumulate, images.dim(0));
  optimizer_.set_lr(lr);
  const FinishedStep finished{{}, step, images.dim(0) * ranks_.size(), lr};
  if (device_.type == DeviceType::cpu) {
    do_step(images, targets, step);
    pending_.push_back({finished, nullptr});
    pending_.back().step.result = optimizer_.result();
    return;
  }
  check(pending_.size() < slots_.size(), "[train_step] expected take() after every run()");
  Slot& slot = *slots_[static_cast<std::size_t>(step) % slots_.size()];
  place_inputs(images, targets, slot);
  queue(step);
  const Tensor& control = optimizer_.control();
  if (!slot.control) slot.control = gpu::allocate_pinned(control.bytes());
  gpu::queue_copy_to_host(slot.control.get(), control.raw(), control.bytes());
  slot.done.record();
  pending_.push_back({finished, &slot});
}

void TrainStep::place_inputs(const Tensor& images, const Tensor& targets, Slot& slot) {
  const ProfileScope scope("place_inputs");
  if (!images_.defined() || images_.shape() != images.shape() || targets_.shape() != targets.shape()) {
    images_ = Tensor::empty(images.shape(), images.dtype(), device_);
    targets_ = Tensor::empty(targets.shape(), targets.dtype(), device_);
    recorded_step_ = -1;
    eager_steps_ = 0;
  }
  const auto send = [&](const Tensor& from, Tensor& to, std::shared_ptr<void>& pinned, std::size_t& size) {
    if (size < from.bytes()) {
      pinned = gpu::allocate_pinned(from.bytes());
      size = from.bytes();
    }
    std::memcpy(pinned.get(), from.raw(), from.bytes());
    gpu::queue_copy_to_device(to.raw(), pinned.get(), from.bytes());
  };
  send(images, images_, slot.images, slot.image_bytes);
  send(targets, targets_, slot.targets, slot.target_bytes);
}

void TrainStep::record(std::int64_t step) {
  graph_->begin();
  try {
    do_step(images_, targets_, step);
  } catch (...) {
    try {
      graph_->end();  // ends the capture, which would otherwise continue
    } catch (const Error&) {
      // The device reports the failed capture again; its cause is already being thrown.
    }
    throw;
  }
  graph_->end();
  recorded_step_ = step;
}

void TrainStep::queue(std::int64_t step) {
  const std::int64_t releases = memory_of(device_).releases;
  if (releases != cache_releases_) {
    // A graph may use blocks that were returned to the system. Capture it again, after steps that refill the
    // cache, because capture must not allocate.
    cache_releases_ = releases;
    recorded_step_ = -1;
    eager_steps_ = 0;
  }
  if (!options_.record || eager_steps_ < kEagerSteps) {
    ++eager_steps_;
    gpu::set_step_offset(0);
    do_step(images_, targets_, step);
    return;
  }
  if (recorded_step_ < 0) {
    gpu::set_step_offset(0);
    record(step);
  }
  gpu::set_step_offset(static_cast<std::uint32_t>(step - recorded_step_));
  graph_->replay();
}

std::optional<FinishedStep> TrainStep::take(bool all) {
  if (pending_.empty() || (pending_.size() == 1 && pending_.front().slot && !all)) return std::nullopt;
  Pending oldest = pending_.front();
  pending_.pop_front();
  if (oldest.slot) {
    oldest.slot->done.wait();
    const auto* control = static_cast<const double*>(oldest.slot->control.get());
    oldest.step.result = Optimizer::result_of({control, control + kControlSlots});
  }
  return oldest.step;
}

}  // namespace salu
