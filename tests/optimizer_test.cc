// SPDX-License-Identifier: MIT
/// Trust ratios, clipping, layer decay, averages and accumulated gradients against loops in double.
#include "train/optimizer.h"

#include <cmath>
#include <numbers>

#include "core/choices.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "train/schedule.h"
#include "train/train_step.h"

namespace salu::test {
namespace {

using Vector = std::vector<double>;

double length(const Vector& x) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  return std::sqrt(squares);
}

/// Two matrices (the second is the classifier), one of them longer than a tile, a bias and a coefficient.
struct Net {
  ParameterStore store;
  std::vector<Parameter*> all;

  explicit Net(Initializer init = normal_init(0.3)) {
    all.push_back(&store.add("conv1.weight", {67, 3, 3, 9}, ParameterGroup::weights, init));
    all.push_back(&store.add("conv1.bias", {5}, ParameterGroup::no_decay, init));
    all.push_back(&store.add("act.alpha", {1}, ParameterGroup::coefficients, constant_init(0.25)));
    all.push_back(&store.add("fc.weight", {3, 7}, ParameterGroup::weights, init));
    store.allocate(1);
  }
  static Vector values(const Parameter& p) { return p.variable.value().values<double>(); }
  /// Random gradients, the same in every call with this tag.
  void set_gradients(std::uint32_t tag, double sigma = 1) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      Tensor grad = all[k]->variable.grad();
      Rng rng({9, Purpose::test, tag, static_cast<std::uint32_t>(k)});
      for (std::int64_t i = 0; i < grad.numel(); ++i)
        grad.data<float>()[i] = static_cast<float>(sigma * rng.normal());
    }
  }
};

void check_close(const Vector& got, const Vector& want) {
  REQUIRE(got.size() == want.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - want[i]));
  CHECK(worst <= 2e-6 * (1 + length(want)));
}

const Tensor kFiniteLoss = Tensor::full({1}, 1.0);

/// LAMB and LARS as their papers and timm write them, on one parameter.
struct TrustReference {
  OptimizerConfig config;
  Vector p, m, v;
  int t = 0;

  TrustReference(const OptimizerConfig& c, Vector start)
      : config(c), p(std::move(start)), m(p.size()), v(p.size()) {}

  void step(const Vector& g, double lr, double decay) {
    ++t;
    Vector move(p.size());
    if (config.kind == OptimizerKind::lamb) {
      for (std::size_t i = 0; i < p.size(); ++i) {
        m[i] = config.betas[0] * m[i] + (1 - config.betas[0]) * g[i];
        v[i] = config.betas[1] * v[i] + (1 - config.betas[1]) * g[i] * g[i];
        const double mhat = m[i] / (1 - std::pow(config.betas[0], t));
        const double vhat = v[i] / (1 - std::pow(config.betas[1], t));
        move[i] = mhat / (std::sqrt(vhat) + config.eps) + decay * p[i];
      }
      const double ratio = decay > 0 && length(p) > 0 ? length(p) / length(move) : 1;
      for (std::size_t i = 0; i < p.size(); ++i) p[i] -= lr * ratio * move[i];
      return;
    }
    const double ratio =
        decay > 0 && length(p) > 0 ? 0.001 * length(p) / (length(g) + decay * length(p) + config.eps) : 1;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double d = ratio * (g[i] + decay * p[i]);
      m[i] = config.momentum * m[i] + d;
      p[i] -= lr * (config.nesterov ? d + config.momentum * m[i] : m[i]);
    }
  }
};

TEST_CASE("LAMB and LARS follow their definitions; what does not decay has no trust ratio") {
  for (const OptimizerKind kind : {OptimizerKind::lamb, OptimizerKind::lars}) {
    for (const bool zero_weights : {false, true}) {
      OptimizerConfig config;
      config.kind = kind;
      config.weight_decay = 0.1;
      config.coefficient_max_step = 0;
      Net net(zero_weights ? constant_init(0) : normal_init(0.3));
      Optimizer optimizer(net.store, config);
      std::vector<TrustReference> references;
      for (const Parameter* p : net.all) references.emplace_back(config, Net::values(*p));
      for (std::uint32_t step = 0; step < 6; ++step) {
        net.set_gradients(step);
        optimizer.set_lr(0.02 * (1 + step % 3));
        for (std::size_t k = 0; k < net.all.size(); ++k) {
          references[k].step(net.all[k]->variable.grad().values<double>(), 0.02 * (1 + step % 3),
                             net.all[k]->group == ParameterGroup::weights ? 0.1 : 0);
        }
        optimizer.step(kFiniteLoss);
        for (std::size_t k = 0; k < net.all.size(); ++k) {
          INFO(static_cast<int>(kind) << " step " << step << " " << net.all[k]->name);
          check_close(Net::values(*net.all[k]), references[k].p);
        }
      }
    }
  }
}

/// Plain SGD with rate 1: what is left of p - gradient is the clipped gradient.
OptimizerConfig plain(ClipMode mode, double clip) {
  OptimizerConfig config;
  config.momentum = 0;
  config.nesterov = false;
  config.weight_decay = 0;
  config.coefficient_max_step = 0;
  config.clip_mode = mode;
  config.clip_grad = clip;
  return config;
}

TEST_CASE("agc limits each filter and each bias by its own length, not the classifier and coefficients") {
  for (const bool zero_weights : {false, true}) {
    Net net(zero_weights ? constant_init(0) : normal_init(0.3));
    const double clip = 0.5;
    Optimizer optimizer(net.store, plain(ClipMode::agc, clip));
    optimizer.set_lr(1);
    net.set_gradients(0, 0.15);  // about half a filter's length: some exceed it, and all do if it is zero
    std::vector<Vector> want;
    int clipped = 0;
    for (const Parameter* p : net.all) {
      const Vector values = Net::values(*p), g = p->variable.grad().values<double>();
      Vector out(values.size());
      const std::size_t rows = p->name == "conv1.weight" ? 67 : 1, row = values.size() / rows;
      const bool is_unit = p->name == "conv1.weight" || p->name == "conv1.bias";
      for (std::size_t r = 0; r < rows; ++r) {
        const auto part = [&](const Vector& x) {
          return Vector(x.begin() + static_cast<std::ptrdiff_t>(r * row),
                        x.begin() + static_cast<std::ptrdiff_t>((r + 1) * row));
        };
        const double most = clip * std::max(length(part(values)), 1e-3), norm = length(part(g));
        const bool clips = is_unit && norm > most;
        clipped += clips;
        for (std::size_t i = r * row; i < (r + 1) * row; ++i)
          out[i] = values[i] - g[i] * (clips ? most / norm : 1);
      }
      want.push_back(out);
    }
    CHECK((zero_weights ? clipped == 68 : clipped > 10 && clipped < 57));
    const double norm = length(net.store.gradients().values<double>());
    optimizer.step(kFiniteLoss);
    CHECK(optimizer.result().norm == Approx(norm));  // before clipping
    for (std::size_t k = 0; k < net.all.size(); ++k) check_close(Net::values(*net.all[k]), want[k]);
  }
  Net net;
  Optimizer optimizer(net.store, plain(ClipMode::agc, 100));
  net.set_gradients(0);
  const Tensor before = net.store.gradients().clone();
  optimizer.step(kFiniteLoss);
  CHECK(compare_bits(net.store.gradients(), before) == "");  // nothing exceeds a wide limit
}

TEST_CASE("clipping by value limits each number") {
  Net net;
  Optimizer optimizer(net.store, plain(ClipMode::value, 0.4));
  optimizer.set_lr(1);
  net.set_gradients(0);
  std::vector<Vector> want;
  for (const Parameter* p : net.all) {
    want.push_back(Net::values(*p));
    const Vector g = p->variable.grad().values<double>();
    for (std::size_t i = 0; i < g.size(); ++i) want.back()[i] -= std::clamp(g[i], -0.4, 0.4);
  }
  optimizer.step(kFiniteLoss);
  for (std::size_t k = 0; k < net.all.size(); ++k) check_close(Net::values(*net.all[k]), want[k]);
  CHECK_THAT(error_of([] { choice_of("--clip-mode", kClipModes, "norms"); }),
             Catch::Matchers::Contains("did you mean norm"));
}

TEST_CASE("layers are counted from the stem to the classifier") {
  const auto number = [](const char* model, const std::string& parameter) {
    ModelConfig config;
    config.name = model;
    const auto net = make_model(config);
    const std::vector<int> numbers = layer_numbers(net->store());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (net->store().parameters()[i].name == parameter) return numbers[i];
    }
    return -1;
  };
  CHECK(number("resnet8", "conv1.weight") == 0);
  CHECK(number("resnet8", "bn1.bias") == 0);
  CHECK(number("resnet8", "layer1.0.conv1.weight") == 1);
  CHECK(number("resnet8", "layer2.0.downsample.0.weight") == 2);
  CHECK(number("resnet8", "layer3.0.bn2.weight") == 3);
  CHECK(number("resnet8", "fc.weight") == 4);
  CHECK(number("vit_cifar", "pos_embed") == 0);
  CHECK(number("vit_cifar", "blocks.0.attn.qkv.weight") == 1);
  CHECK(number("vit_cifar", "blocks.6.mlp.fc2.bias") == 7);
  // timm 0.9, param_groups_layer_decay: the final norm is in the group of the last block.
  CHECK(number("vit_cifar", "norm.weight") == 7);
  CHECK(number("vit_cifar", "norm.bias") == 7);
  CHECK(number("salunet_t", "norm.alpha") == 7);
  CHECK(number("vit_cifar", "head.weight") == 8);
  CHECK(number("vit_cifar", "head.bias") == 8);
  CHECK(number("cnn4", "conv1.weight") == 0);
  CHECK(number("cnn4", "conv2.weight") == 1);
  CHECK(number("cnn4", "fc2.bias") == 3);
}

TEST_CASE("layer decay scales the step of each layer") {
  ModelConfig model;
  model.name = "salunet_c8";
  const auto net = make_model(model);
  OptimizerConfig config = plain(ClipMode::norm, 0);
  config.layer_decay = 0.5;
  config.coefficient_lr_scale = 3;
  Optimizer optimizer(net->store(), config);
  const Tensor before = net->store().values().clone();
  net->store().gradients().fill(1);
  optimizer.set_lr(0.25);
  optimizer.step(kFiniteLoss);
  const std::vector<int> layers = layer_numbers(net->store());
  CHECK(layers.back() == 4);
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const Parameter& p = net->store().parameters()[k];
    const double scale = p.group == ParameterGroup::coefficients ? 3 : 1;
    const double moved = before.narrow(p.offset, {1}).item() - p.variable.value().values<double>()[0];
    INFO(p.name);
    CHECK(moved == Approx(0.25 * scale * std::pow(0.5, 4 - layers[k])).epsilon(1e-4));
  }
}

TEST_CASE("the warm-up of the moving average starts with a copy and ends at the decay") {
  Net net(constant_init(0));
  Ema ema(net.store, 0.8, true);
  OptimizerConfig config = plain(ClipMode::norm, 0);
  Optimizer optimizer(net.store, config, &ema);
  double average = 0;
  for (int t = 1; t <= 30; ++t) {
    net.store.values().fill(t);  // the learning rate is 0: only the average moves
    optimizer.step(kFiniteLoss);
    const double keep = std::min(0.8, 1 - std::pow(t, -2.0 / 3));
    average = keep * average + (1 - keep) * t;
    INFO("step " << t);
    CHECK(ema.values().values<double>()[2] == Approx(average).epsilon(1e-5));
    if (t == 1) CHECK(ema.values().values<double>()[2] == 1);
  }
}

TEST_CASE("an optimizer that starts anew leaves the moving average its memory") {
  Net net(constant_init(0));
  Ema ema(net.store, 0.99, true);
  Optimizer first(net.store, plain(ClipMode::norm, 0), &ema);
  double average = 0;
  const auto check_step = [&](Optimizer& optimizer, int t) {
    net.store.values().fill(t);  // the learning rate is 0: only the average moves
    optimizer.step(kFiniteLoss);
    const double keep = 1 - std::pow(t, -2.0 / 3);
    average = keep * average + (1 - keep) * t;
    CHECK(ema.values().values<double>()[2] == Approx(average).epsilon(1e-5));
  };
  for (int t = 1; t <= 8; ++t) check_step(first, t);
  Optimizer second(net.store, plain(ClipMode::norm, 0), &ema);
  second.set_ema_updates(first.ema_updates());
  for (int t = 9; t <= 12; ++t) check_step(second, t);
  CHECK(second.updates() == 4);
  CHECK(second.ema_updates() == 12);
}

TEST_CASE("one cycle goes where PyTorch's OneCycleLR goes") {
  ScheduleConfig c;
  c.kind = ScheduleKind::onecycle;
  c.lr = 0.1;
  c.warmup_lr = 0.1 / 25;
  c.min_lr = 0.1 / 25e4;
  c.epochs = 2;
  c.steps_per_epoch = 5;
  c.warmup_epochs = 0.6;  // 3 tenths
  CHECK(learning_rate(c, 0) == Approx(0.004));
  CHECK(learning_rate(c, 1) == Approx(0.052));
  CHECK(learning_rate(c, 2) == Approx(0.1));
  for (int step = 3; step < 9; ++step) {
    const double want = 4e-7 + (0.1 - 4e-7) / 2 * (1 + std::cos(std::numbers::pi * (step - 2) / 7));
    CHECK(learning_rate(c, step) == Approx(want));
  }
  CHECK(learning_rate(c, 9) == Approx(4e-7));
  CHECK(learning_rate(c, 12) == Approx(4e-7));  // cooldown
  c.warmup_epochs = 0;
  CHECK(learning_rate(c, 0) == Approx(0.1));
}

/// One step of salunet_c8 on 8 images; what the weights became, and the loss.
struct OneStep {
  Tensor values;
  StepResult result;

  explicit OneStep(TrainStepOptions options, double drop = 0) {
    ModelConfig config;
    config.name = "salunet_c8";
    config.drop = drop;
    const auto model = make_model(config);
    Optimizer optimizer(model->store(), plain(ClipMode::norm, 0));
    options.std = {1, 1, 1};
    TrainStep step(*model, model->store(), optimizer, options);
    Tensor images = Tensor::empty({8, 32, 32, 3}, DType::u8), targets = Tensor::zeros({8, 10});
    Rng rng({4, Purpose::test, 0, 0});
    for (std::int64_t i = 0; i < images.numel(); ++i)
      images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.below(256));
    for (std::int64_t i = 0; i < 8; ++i) targets.data<float>()[i * 10 + i] = 1;
    step.run(images, targets, 0.1, 0);
    result = step.take(true)->result;
    values = model->store().values().clone();
  }
};

TEST_CASE("a batch in parts gives the step of the whole batch") {
  TrainStepOptions options;
  for (const bool bce : {false, true}) {
    options.bce = bce;
    options.accumulate = 1;
    const OneStep whole(options);
    for (const std::int64_t parts : {2, 8}) {
      options.accumulate = parts;
      const OneStep split(options);
      CHECK(split.result.loss == Approx(whole.result.loss).epsilon(1e-6));
      CHECK(split.result.norm == Approx(whole.result.norm).epsilon(1e-5));
      CHECK(compare(split.values, whole.values, {1e-4, 1e-6}) == "");
    }
  }
  options.accumulate = 3;
  CHECK_THAT(error_of([&] { OneStep{options}; }),
             Catch::Matchers::Contains("[train_step] expected a multiple of 3 images, got 8"));
}

TEST_CASE("the parts of a batch have masks of their own, and are the same on every run") {
  TrainStepOptions options;
  options.accumulate = 2;
  CHECK(compare_bits(OneStep(options, 0.5).values, OneStep(options, 0.5).values) == "");
  Context context;  // what TrainStep hands from part to part
  const auto first = context.next_key(Purpose::dropout).block(0);
  CHECK(first != context.next_key(Purpose::dropout).block(0));
}

TEST_CASE("binary cross entropy starts at ln 2 where the logits are zero") {
  TrainStepOptions options;
  options.bce = true;
  // salunet_c8 starts with small logits: the mean over 10 classes is near ln 2, and far from ln 10.
  CHECK(OneStep(options).result.loss == Approx(std::numbers::ln2).epsilon(0.1));
}

}  // namespace
}  // namespace salu::test
