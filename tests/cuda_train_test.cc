// SPDX-License-Identifier: MIT
/// Whole training steps on the CUDA backend: the CPU's loss curve, recorded steps equal to queued ones, no
/// allocation once the first steps are done.
#include <cmath>

#include "core/gpu.h"
#include "core/ops/batch_inputs.h"
#include "core/out_of_memory.h"
#include "models/model.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/cuda_device.h"
#include "tests/mirror_rank.h"
#include "tests/op_samples.h"
#include "tests/trainer_run.h"
#include "train/train_step.h"

namespace salu::test {
namespace {

struct Setting {
  const char* model = "salunet_c8";
  OptimizerKind kind = OptimizerKind::adamw;
  DType activations = DType::f32;
  bool record = true, everything = false;  ///< all that a step may do beside the usual
  int steps = 7;                           // three queued, one recorded, the rest replayed
  int full_before = -1;                    ///< the step before which the device's memory runs out once
};

struct Curve {
  std::vector<double> losses, norms;
  Tensor values, average;  // on the host
};

Tensor images(std::uint32_t step) {
  Tensor images = Tensor::empty({4, 8, 8, 3}, DType::u8);
  Rng rng({7, Purpose::test, step, 0});
  for (std::int64_t i = 0; i < images.numel(); ++i) {
    images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.below(256));
  }
  return images;
}

/// Asks for more memory than any device has. The cache then returns all its blocks to the system.
void run_out_of_memory(Device device) {
  CHECK_THROWS_AS(Tensor::empty({std::int64_t{1} << 50}, DType::u8, device), OutOfMemory);
}

/// Takes every block that the device's cache holds.
std::vector<Tensor> drain_cache(Device device) {
  std::vector<Tensor> taken;
  for (std::size_t size = 64; memory_of(device).cached_bytes > 0; size = BlockCache::size_class(size + 1)) {
    const std::int64_t calls = memory_of(device).system_calls;
    while (memory_of(device).system_calls == calls) {
      taken.push_back(Tensor::empty({static_cast<std::int64_t>(size)}, DType::u8, device));
    }
  }
  return taken;
}

/// Trains on fresh images with dropout, drop path, clipping and a moving average.
Curve train(const Setting& setting, Device device, Communicator& ranks = single_rank()) {
  ModelConfig config;
  config.name = setting.model;
  config.img_size = 8;
  config.drop = 0.2;
  config.drop_path = 0.2;
  config.placement = {device, DType::f32, setting.activations};
  const auto model = make_model(config);
  Ema ema(model->store(), 0.9, setting.everything);
  OptimizerConfig optimizer_config;
  optimizer_config.kind = setting.kind;
  optimizer_config.clip_grad = 1;
  TrainStepOptions options;
  if (setting.everything) {
    optimizer_config.clip_mode = ClipMode::agc;
    optimizer_config.clip_grad = 0.02;
    optimizer_config.layer_decay = 0.8;
    options.accumulate = 2;
    options.bce = true;
  }
  Optimizer optimizer(model->store(), optimizer_config, &ema);
  options.mean = {0.5f, 0.5f, 0.5f};
  options.std = {0.25f, 0.25f, 0.25f};
  options.record = setting.record;
  TrainStep step(*model, model->store(), optimizer, options, ranks);
  const Tensor labels = Tensor::from<std::int64_t>({4}, {1, 7, 3, 7});
  const Tensor targets = smoothed_targets(labels, 10, 0.1, SmoothingKind::uniform);
  Curve curve;
  const auto take = [&](bool all) {
    while (const auto done = step.take(all)) {
      CHECK(done->step == static_cast<std::int64_t>(curve.losses.size()));
      CHECK(done->result.applied);
      curve.losses.push_back(done->result.loss);
      curve.norms.push_back(done->result.norm);
    }
  };
  for (int i = 0; i < setting.steps; ++i) {
    if (i == setting.full_before) run_out_of_memory(device);
    step.run(images(static_cast<std::uint32_t>(i)), targets, 1e-3 * (i + 1), i);
    take(false);
  }
  take(true);
  curve.values = model->store().values().to(Device{});
  curve.average = ema.values().to(Device{});
  return curve;
}

void check_close(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    INFO("step " << i);
    CHECK(std::abs(got[i] - want[i]) <= tolerance * std::abs(want[i]));
  }
}

TEST_CASE("the loss curve is that of the CPU") {
  const Device device = cuda_device();
  for (const char* model : {"salunet_c8", "resnet8"}) {
    for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adamw}) {
      INFO(model << " optimizer " << static_cast<int>(kind));
      const Setting setting{.model = model, .kind = kind};
      const Curve want = train(setting, {}), got = train(setting, device);
      // Rounding differs by 1e-7 in a sum; seven steps of training through batch norm of 4 images grow it.
      check_close(got.losses, want.losses, 2e-4);
      check_close(got.norms, want.norms, 2e-3);
    }
  }
}

TEST_CASE(
    "so it is with trust ratios, agc, layer decay and a batch in parts; recorded steps are queued ones") {
  const Device device = cuda_device();
  for (const OptimizerKind kind : {OptimizerKind::lamb, OptimizerKind::lars}) {
    INFO("optimizer " << static_cast<int>(kind));
    Setting setting{.kind = kind, .everything = true};
    const Curve want = train(setting, {}), recorded = train(setting, device);
    check_close(recorded.losses, want.losses, 2e-4);
    check_close(recorded.norms, want.norms, 2e-3);
    setting.record = false;
    const Curve queued = train(setting, device);
    CHECK(recorded.losses == queued.losses);
    CHECK(compare_bits(recorded.values, queued.values) == "");
    CHECK(compare_bits(recorded.average, queued.average) == "");
  }
}

TEST_CASE("bf16 activations follow the f32 curve") {
  const Device device = cuda_device();
  const Curve want = train({}, {}), got = train({.activations = DType::bf16}, device);
  check_close(got.losses, want.losses, 0.03);  // 8 bits of mantissa through ten layers
}

TEST_CASE("a recorded step gives the bits of a queued one, on every run and schedule") {
  const Device device = cuda_device();
  const Curve queued = train({.record = false}, device);
  for (const std::uint64_t schedule : {0u, 1u, 2u}) {
    set_schedule(schedule);
    const Curve recorded = train({}, device);
    CHECK(recorded.losses == queued.losses);
    CHECK(compare_bits(recorded.values, queued.values) == "");
    CHECK(compare_bits(recorded.average, queued.average) == "");
  }
  set_schedule(0);
}

TEST_CASE("gradients that go through the host and other ranks come back whole") {
  const Device device = cuda_device();
  for (const DType activations : {DType::f32, DType::bf16}) {
    const Curve single = train({.activations = activations, .record = false}, device);
    MirrorRank ranks;
    const Curve mirrored = train({.activations = activations}, device, ranks);
    CHECK(mirrored.losses == single.losses);  // halves that are doubled: no rounding
    CHECK(compare_bits(mirrored.values, single.values) == "");
    CHECK(compare_bits(mirrored.average, single.average) == "");
  }
}

/// A library whose other GPU always sends what this one sends.
struct MirrorSums : gpu::DeviceSums {
  static inline int connected = 0, started = 0, joined = 0;
  void start(std::span<float> values) override {
    ++started;
    std::vector<float> host(values.size());
    gpu::copy_to_host(host.data(), values.data(), values.size_bytes());  // after the queued work
    for (float& v : host) v *= 2;
    gpu::copy_to_device(values.data(), host.data(), values.size_bytes());
  }
  void join() override { ++joined; }
};
constexpr gpu::DeviceSumsLibrary kMirror{
    "mirror", [] { return std::string("0000:17:00.0"); }, [] { return std::string("an id"); },
    [](const std::string& id, int rank, int ranks) -> std::unique_ptr<gpu::DeviceSums> {
      CHECK((id == "an id" && rank == 0 && ranks == 2));
      ++MirrorSums::connected;
      return std::make_unique<MirrorSums>();
    }};

/// The other rank says the same, of the same GPU or of another one.
class TalkingMirror : public MirrorRank {
 public:
  explicit TalkingMirror(bool same_gpu) : same_gpu_(same_gpu) {}
  const gpu::DeviceSumsLibrary* device_sums_library() const override { return &kMirror; }
  void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override {
    std::ranges::copy(mine, all.begin());
    std::ranges::copy(mine, all.begin() + static_cast<std::ptrdiff_t>(mine.size()));
    if (!same_gpu_ && mine.size() > sizeof(std::int64_t)) all.back() ^= std::byte{1};
  }

 private:
  bool same_gpu_;
};

TEST_CASE("gradients that GPUs add among themselves come back whole; one GPU of two ranks does not") {
  const Device device = cuda_device();
  const Setting setting{.record = false};
  const Curve single = train(setting, device);
  for (const bool same_gpu : {false, true}) {
    INFO("the same GPU " << same_gpu);
    MirrorSums::connected = MirrorSums::started = MirrorSums::joined = 0;
    TalkingMirror ranks(same_gpu);
    const Curve mirrored = train(setting, device, ranks);
    CHECK(mirrored.losses == single.losses);
    CHECK(compare_bits(mirrored.values, single.values) == "");
    CHECK(MirrorSums::connected == (same_gpu ? 0 : 1));
    CHECK(MirrorSums::joined == (same_gpu ? 0 : static_cast<int>(single.losses.size())));
    CHECK(MirrorSums::started >= 2 * MirrorSums::joined);  // a bucket or more, and the loss
  }
}

TEST_CASE("no device memory is asked for once the first steps are done") {
  const Device device = cuda_device();
  train({.steps = 3}, device);
  const std::int64_t before = memory_of(device).system_calls;
  train({.steps = 5}, device);
  CHECK(memory_of(device).system_calls == before);
}

TEST_CASE("a step is recorded anew, behind queued ones, when memory went back to the system") {
  const Device device = cuda_device();
  const Curve queued = train({.record = false, .steps = 12}, device);
  for (const int full_before : {1, 3, 5}) {  // among queued steps, before the recorded one, among replays
    INFO("before step " << full_before);
    const std::int64_t releases = memory_of(device).releases;
    const Curve recorded = train({.steps = 12, .full_before = full_before}, device);
    CHECK(memory_of(device).releases == releases + 1);
    CHECK(recorded.losses == queued.losses);
    CHECK(compare_bits(recorded.values, queued.values) == "");
  }
}

TEST_CASE("a step that fails while it is recorded ends the recording, and says why") {
  const Device device = cuda_device();
  ModelConfig config;
  config.name = "salunet_c8";
  config.img_size = 8;
  config.placement.device = device;
  const auto model = make_model(config);
  Optimizer optimizer(model->store(), {});
  TrainStep step(*model, model->store(), optimizer, {.mean = {0, 0, 0}, .std = {1, 1, 1}});
  const Tensor targets = Tensor::full({4, 10}, 0.1);
  const auto run = [&](std::int64_t i) { step.run(images(0), targets, 0.1, i); };
  for (std::int64_t i = 0; i < 3; ++i) {
    run(i);
    REQUIRE(step.take(true));
  }
  std::vector<Tensor> taken = drain_cache(device);
  CHECK(contains(error_of([&] { run(3); }), "allocat"));
  gpu::synchronize();  // refused while something is recorded
  taken.clear();
  for (std::int64_t i = 4; i < 7; ++i) {
    run(i);
    const auto done = step.take(true);
    REQUIRE(done);
    CHECK(done->result.applied);
  }
}

TEST_CASE("averages swap in and out on the device, with the bf16 copy") {
  ModelConfig config;
  config.name = "salunet_c8";
  config.img_size = 8;
  config.placement = {cuda_device(), DType::f32, DType::bf16};
  const auto model = make_model(config);
  ParameterStore& store = model->store();
  Ema ema(store, 0.9);
  const Tensor live = store.values().to(Device{});
  Tensor average = live.clone();
  average.fill(0.5);
  ema.values().copy_from(average);
  ema.swap();
  CHECK(compare_bits(store.values().to(Device{}), average) == "");
  CHECK(compare_bits(ema.values().to(Device{}), live) == "");
  CHECK(compare_bits(store.shadow().to(Device{}), average.to(DType::bf16)) == "");
  ema.swap();
  CHECK(compare_bits(store.values().to(Device{}), live) == "");
  CHECK(compare_bits(store.shadow().to(Device{}), live.to(DType::bf16)) == "");
}

TEST_CASE("a step that is not finite changes nothing on the device either") {
  ModelConfig config;
  config.name = "resnet8";  // has running statistics
  config.img_size = 8;
  config.placement.device = cuda_device();
  const auto model = make_model(config);
  Optimizer optimizer(model->store(), {});
  TrainStep step(*model, model->store(), optimizer, {.mean = {0, 0, 0}, .std = {1, 1, 1}});
  const auto state = [&] {
    return std::pair(model->store().values().to(Device{}).clone(),
                     model->store().statistics().to(Device{}).clone());
  };
  const Tensor good = Tensor::full({4, 10}, 0.1), bad = Tensor::full({4, 10}, NAN);
  for (std::int64_t i = 0; i < 8; ++i) {  // queued, recorded and replayed
    const auto before = state();
    step.run(images(static_cast<std::uint32_t>(i)), i % 2 ? bad : good, 0.1, i);
    const auto done = step.take(true);
    REQUIRE(done);
    CHECK(done->result.applied == (i % 2 == 0));
    const auto after = state();
    CHECK((compare_bits(after.first, before.first) == "") == (i % 2 == 1));
    CHECK((compare_bits(after.second, before.second) == "") == (i % 2 == 1));
  }
  CHECK(optimizer.updates() == 4);
}

TEST_CASE("a run goes back to its checkpoint, although one more step is under way by then") {
  TrainConfig config = small_run("salunet_c8", 1, 2);
  config.model.placement.device = cuda_device();
  TempFolder folder;
  const auto poison = [](Batch& batch, std::int64_t step) {
    if (step >= 11 && step < 16) batch.targets.fill(NAN);
  };
  const WatchedRun run = run_watched(config, folder / "run", false, poison);
  CHECK(run.error == "no error");
  std::vector<TakenStep> taken;
  for (std::int64_t step = 0; step < 10; ++step) taken.push_back({step});
  for (std::int64_t step = 16; step < 20; ++step) taken.push_back({step, 0.5});
  CHECK(first_difference(CheckpointStore(folder / "run").load(), repeat_steps(config, run.batches, taken)) ==
        "");
  CHECK(contains(run.log, "step 16: back to the weights of epoch-0001"));
  CHECK(run.rows.size() == 20);
}

}  // namespace
}  // namespace salu::test
