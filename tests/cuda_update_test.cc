// SPDX-License-Identifier: MIT
/// The optimizer step of the CUDA backend against that of the CPU, which tests/optimizer_test.cc checks.
#include <cmath>

#include "core/ops/optimizer_step.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"

namespace salu::test {
namespace {

constexpr std::int64_t kCount = 9000;

/// More than a tile, less than one, and coefficients that start and end off a pack.
const std::vector<UpdateRange> kRanges = {{0, 8200, 1, 0.1f, 0, true},
                                          {8256, 8287, 0.5f, 0.05f, 0, true},
                                          {8320, 8325, 1, 0, 0, false},
                                          {8325, 8331, 3, 0, 0.01f, false}};

struct State {
  UpdateBuffers buffers;
  UpdatePlan plan;
  Tensor control;

  State(Device device, const UpdateOptions& options) {
    const auto noise = [&](std::uint32_t tag) {
      Tensor t = Tensor::zeros({kCount});
      Rng rng({3, Purpose::test, tag, 0});
      for (std::int64_t i = 0; i < kCount; ++i) t.data<float>()[i] = static_cast<float>(rng.normal());
      return t.to(device);
    };
    buffers.values = noise(1);
    buffers.gradients = noise(2);
    buffers.first = Tensor::zeros({kCount}, DType::f32, device);
    const bool momentum = options.kind == OptimizerKind::sgd || options.kind == OptimizerKind::lars;
    if (!momentum) buffers.second = buffers.first.clone();
    buffers.ema = buffers.values.clone();
    buffers.shadow = buffers.values.to(DType::bf16);
    plan = make_update_plan(kRanges, device);
    std::vector<std::int64_t> units;
    for (std::int64_t begin = 0; begin < 8200; begin += 41) units.insert(units.end(), {begin, begin + 41});
    plan.units = Tensor::from({static_cast<std::int64_t>(units.size()) / 2, 2}, units).to(device);
    control = Tensor::zeros({kControlSlots}, DType::f64, device);
    control.narrow(static_cast<std::int64_t>(Control::lr), {1}).fill(0.03);
  }

  void step(const UpdateOptions& options, double loss = 1) {
    measure_step(control, buffers.gradients, Tensor::full({1}, loss).to(control.device()));
    update_parameters(buffers, control, plan, options);
  }

  std::vector<Tensor> all() const {
    std::vector<Tensor> out{buffers.values, buffers.gradients, buffers.first, buffers.ema};
    if (buffers.second.defined()) out.push_back(buffers.second);
    for (Tensor& t : out) t = t.to(Device{}).clone();
    return out;
  }
};

/// Calls `body(options)` for every optimizer with every way to clip.
template <class Body>
void each_optimizer(Body&& body) {
  set_num_threads(1);
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw,
                                   OptimizerKind::lamb, OptimizerKind::lars}) {
    for (const ClipMode mode : {ClipMode::norm, ClipMode::value, ClipMode::agc}) {
      UpdateOptions options;
      options.kind = kind;
      options.clip_mode = mode;
      options.clip_grad = 0.7;
      options.ema_decay = 0.9;
      options.ema_warmup = mode == ClipMode::agc;
      INFO("optimizer " << static_cast<int>(kind) << ", clipping " << static_cast<int>(mode));
      body(options);
    }
  }
}

TEST_CASE("steps agree with the CPU's") {
  const Device device = cuda_device();
  each_optimizer([&](const UpdateOptions& options) {
    State on_cpu(Device{}, options), on_device(device, options);
    for (int step = 0; step < 3; ++step) on_cpu.step(options), on_device.step(options);
    const auto want = on_cpu.all(), got = on_device.all();
    for (std::size_t k = 0; k < want.size(); ++k) {
      INFO("buffer " << k);
      CHECK(compare(got[k], want[k], {1e-5, 1e-6}) == "");
    }
    CHECK(compare(on_device.plan.ratios, on_cpu.plan.ratios, {1e-5, 0}) == "");
    for (const UpdateRange& r : kRanges) {  // the padding between ranges has no use for a copy
      const Shape part{r.end - r.begin};
      CHECK(compare_bits(on_device.buffers.shadow.to(Device{}).narrow(r.begin, part),
                         got[0].to(DType::bf16).narrow(r.begin, part)) == "");
    }
    CHECK(compare(on_device.control.to(Device{}), on_cpu.control, {1e-6, 0}) == "");
  });
}

TEST_CASE("a skipped step restores the running statistics") {
  for (const Device device : {Device{}, cuda_device()}) {
    for (const std::int64_t n : {1, 33, 1025}) {
      for (const double loss : {1.0, double{NAN}}) {
        State state(device, {});
        const Tensor before = Tensor::full({n}, 0.5, DType::f32, device);
        Tensor values = Tensor::full({n}, NAN, DType::f32, device);
        state.step({}, loss);
        take_back(values, before, state.control);
        const bool taken_back = compare_bits(values.to(Device{}), before.to(Device{})) == "";
        CHECK(taken_back == std::isnan(loss));
      }
    }
  }
}

TEST_CASE("a step that is not finite changes nothing, and every schedule gives the same bits") {
  const Device device = cuda_device();
  each_optimizer([&](const UpdateOptions& options) {
    std::vector<Tensor> first;
    for (const std::uint64_t schedule : {0u, 1u, 2u}) {
      set_schedule(schedule);
      State state(device, options);
      state.step(options);
      const auto before = state.all();
      state.step(options, HUGE_VAL);
      state.step(options, NAN);
      const auto after = state.all();
      for (std::size_t k = 0; k < before.size(); ++k) {
        CHECK(compare_bits(after[k], before[k]) == "");
        if (!first.empty()) CHECK(compare_bits(before[k], first[k]) == "");
      }
      first = before;
    }
  });
  set_schedule(0);
}

}  // namespace
}  // namespace salu::test
