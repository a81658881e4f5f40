// SPDX-License-Identifier: MIT
/// Optimizers against scalar references, schedules against closed forms, state dictionaries, scoring.
#include <cmath>
#include <numbers>

#include "core/choices.h"
#include "core/ops/batch_inputs.h"
#include "run/snapshot.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "train/evaluator.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace salu::test {
namespace {

/// One weight, one bias and one coefficient.
struct Toy {
  ParameterStore store;
  Parameter *w, *b, *c;

  Toy() {
    w = &store.add("w", {3}, ParameterGroup::weights, constant_init(1.5));
    b = &store.add("b", {1}, ParameterGroup::no_decay, constant_init(-0.5));
    c = &store.add("c.alpha", {1}, ParameterGroup::coefficients, constant_init(0.25));
    store.allocate(1);
  }
  void gradients(float gw, float gb, float gc) {
    Tensor grad_w = w->variable.grad(), grad_b = b->variable.grad(), grad_c = c->variable.grad();
    grad_w.fill(gw), grad_b.fill(gb), grad_c.fill(gc);
  }
  static double value(const Parameter* p) { return p->variable.value().values<double>()[0]; }
};

/// The textbook update of one number, in double.
struct ScalarReference {
  OptimizerConfig config;
  double m = 0, v = 0;
  int t = 0;

  double step(double p, double g, double lr, double decay) {
    ++t;
    if (config.kind == OptimizerKind::sgd) {
      g += decay * p;
      m = config.momentum * m + g;
      return p - lr * (config.nesterov ? g + config.momentum * m : m);
    }
    if (config.kind == OptimizerKind::adam) g += decay * p;
    if (config.kind == OptimizerKind::adamw) p -= lr * decay * p;
    m = config.betas[0] * m + (1 - config.betas[0]) * g;
    v = config.betas[1] * v + (1 - config.betas[1]) * g * g;
    const double mhat = m / (1 - std::pow(config.betas[0], t)), vhat = v / (1 - std::pow(config.betas[1], t));
    return p - lr * mhat / (std::sqrt(vhat) + config.eps);
  }
};

const Tensor kFiniteLoss = Tensor::full({1}, 1.0);

TEST_CASE("optimizers follow their definitions, by group") {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw}) {
    for (const bool nesterov : {false, true}) {
      for (const bool decay_all : {false, true}) {
        OptimizerConfig config;
        config.kind = kind;
        config.nesterov = nesterov;
        config.decay_all = decay_all;
        config.weight_decay = 0.1;
        config.coefficient_lr_scale = 3;
        config.coefficient_max_step = 0;
        Toy toy;
        Optimizer optimizer(toy.store, config);
        ScalarReference w{config}, b{config}, c{config};
        double pw = 1.5, pb = -0.5, pc = 0.25;
        Rng rng({5, Purpose::test, 0, 0});
        for (int step = 0; step < 12; ++step) {
          const double gw = rng.normal(), gb = rng.normal(), gc = rng.normal(), lr = 0.02 * (1 + step % 3);
          toy.gradients(static_cast<float>(gw), static_cast<float>(gb), static_cast<float>(gc));
          optimizer.set_lr(lr);
          optimizer.step(kFiniteLoss);
          pw = w.step(pw, gw, lr, 0.1);
          pb = b.step(pb, gb, lr, decay_all ? 0.1 : 0.0);
          pc = c.step(pc, gc, 3 * lr, 0.0);
          INFO(static_cast<int>(kind) << " step " << step);
          CHECK(Toy::value(toy.w) == Approx(pw).epsilon(1e-5));
          CHECK(Toy::value(toy.b) == Approx(pb).epsilon(1e-5));
          CHECK(Toy::value(toy.c) == Approx(pc).epsilon(1e-5));
        }
      }
    }
  }
}

TEST_CASE("clipping scales to the given norm, and coefficients move by a limited step") {
  OptimizerConfig config;
  config.momentum = 0;
  config.nesterov = false;
  config.weight_decay = 0;
  config.clip_grad = 1;
  config.coefficient_max_step = 0;
  Toy toy;
  Optimizer optimizer(toy.store, config);
  toy.gradients(2, 2, 2);  // five numbers of 2: norm sqrt(20)
  optimizer.set_lr(1);
  optimizer.step(kFiniteLoss);
  CHECK(optimizer.result().norm == Approx(std::sqrt(20.0)));
  CHECK(Toy::value(toy.w) == Approx(1.5 - 2 / std::sqrt(20.0)));

  config.clip_grad = 0;
  config.coefficient_max_step = 0.1;
  Toy limited;
  Optimizer other(limited.store, config);
  limited.gradients(2, 2, 2);
  other.set_lr(1);
  other.step(kFiniteLoss);
  CHECK(Toy::value(limited.c) == Approx(0.15));
  CHECK(Toy::value(limited.w) == Approx(-0.5));
}

TEST_CASE("a step whose loss or gradient is not finite changes nothing") {
  Toy toy;
  Ema ema(toy.store, 0.5);
  OptimizerConfig config;
  config.kind = OptimizerKind::adamw;
  Optimizer optimizer(toy.store, config, &ema);
  optimizer.set_lr(0.1);
  toy.gradients(1, 1, 1);
  optimizer.step(kFiniteLoss);
  CHECK(optimizer.result().applied);
  const std::vector<Tensor> before{toy.store.values().clone(), optimizer.states()[0].values.clone(),
                                   optimizer.states()[1].values.clone(), ema.values().clone()};
  const auto unchanged = [&] {
    return compare_bits(toy.store.values(), before[0]) == "" &&
           compare_bits(optimizer.states()[0].values, before[1]) == "" &&
           compare_bits(optimizer.states()[1].values, before[2]) == "" &&
           compare_bits(ema.values(), before[3]) == "" && optimizer.updates() == 1;
  };
  for (const float bad : {NAN, HUGE_VALF}) {
    toy.gradients(1, bad, 1);
    optimizer.step(kFiniteLoss);
    CHECK_FALSE(optimizer.result().applied);
    CHECK_FALSE(std::isfinite(optimizer.result().norm));
    CHECK(unchanged());
    toy.gradients(1, -1e20f, 1);  // finite, but its square is not
    optimizer.step(kFiniteLoss);
    CHECK_FALSE(optimizer.result().applied);
    CHECK(unchanged());
    toy.gradients(1, 1, 1);
    optimizer.step(Tensor::full({1}, bad));
    CHECK_FALSE(optimizer.result().applied);
    CHECK(unchanged());
  }
  optimizer.step(kFiniteLoss);
  CHECK_FALSE(unchanged());
}

TEST_CASE("the moving average follows its definition, and swaps in and out") {
  Toy toy;
  Buffer& running = toy.store.add_buffer("running_mean", {2}, 1);
  Ema ema(toy.store, 0.75);
  Optimizer optimizer(toy.store, {}, &ema);  // its learning rate is 0: only the average moves
  Tensor value = toy.w->variable.value();
  value.fill(3.5);
  running.value.fill(2);
  optimizer.step(kFiniteLoss);
  ema.swap();
  CHECK(Toy::value(toy.w) == Approx(0.75 * 1.5 + 0.25 * 3.5));
  CHECK(running.value.values<double>()[1] == Approx(0.75 * 1 + 0.25 * 2));
  ema.swap();
  CHECK(Toy::value(toy.w) == 3.5);
}

TEST_CASE("schedules") {
  ScheduleConfig c;
  c.lr = 0.4;
  c.min_lr = 0.04;
  c.epochs = 10;
  c.steps_per_epoch = 5;
  CHECK(learning_rate(c, 0) == Approx(0.4));
  CHECK(learning_rate(c, 25) == Approx(0.22));
  CHECK(learning_rate(c, 50) == Approx(0.04));
  CHECK(learning_rate(c, 10) == Approx(0.04 + 0.18 * (1 + std::cos(std::numbers::pi * 0.2))));
  c.warmup_epochs = 2;
  c.warmup_lr = 0.1;
  CHECK(learning_rate(c, 0) == Approx(0.1));
  CHECK(learning_rate(c, 5) == Approx(0.25));
  CHECK(learning_rate(c, 10) == Approx(0.04 + 0.18 * (1 + std::cos(std::numbers::pi * 0.2))));
  c.warmup_prefix = true;
  CHECK(learning_rate(c, 10) == Approx(0.4));
  c.per_epoch = true;
  CHECK(learning_rate(c, 14) == learning_rate(c, 10));
  CHECK(learning_rate(c, 4) == Approx(0.1));
  c = {};
  c.kind = ScheduleKind::step;
  c.lr = 1;
  c.decay_epochs = 3;
  CHECK(learning_rate(c, 2) == Approx(1));
  CHECK(learning_rate(c, 3) == Approx(0.1));
  CHECK(learning_rate(c, 7) == Approx(0.01));
  c.kind = ScheduleKind::multistep;
  c.decay_milestones = {2, 5};
  CHECK(learning_rate(c, 1) == Approx(1));
  CHECK(learning_rate(c, 2) == Approx(0.1));
  CHECK(learning_rate(c, 9) == Approx(0.01));
  CHECK(learning_rate(c, 5) == Approx(0.01));
  c.kind = ScheduleKind::constant;
  CHECK(learning_rate(c, 999) == Approx(1));
  CHECK_THAT(error_of([] { choice_of("--sched", kSchedules, "cosin"); }),
             Catch::Matchers::Contains("did you mean cosine"));
}

TEST_CASE("the cooldown stays at the last rate of the schedule") {
  ScheduleConfig c;
  c.kind = ScheduleKind::step;
  c.lr = 1;
  c.epochs = 2;
  c.decay_epochs = 1.5;
  c.steps_per_epoch = 10;
  CHECK(learning_rate(c, 14) == Approx(1));
  for (const int step : {15, 19, 20, 29, 30, 500}) CHECK(learning_rate(c, step) == Approx(0.1));
  c.per_epoch = true;  // the second epoch begins before the drop
  for (const int step : {0, 19, 20, 35, 500}) CHECK(learning_rate(c, step) == Approx(1));
  c.per_epoch = false;
  c.kind = ScheduleKind::multistep;
  c.decay_milestones = {1, 2};  // the second one is where the cooldown begins
  for (const int step : {10, 19, 20, 500}) CHECK(learning_rate(c, step) == Approx(0.1));
  c.warmup_epochs = 1;
  c.warmup_prefix = true;  // ten steps later, all of it
  for (const int step : {20, 29, 30, 500}) CHECK(learning_rate(c, step) == Approx(0.1));
  CHECK(learning_rate(c, 19) == Approx(1));
  c.kind = ScheduleKind::cosine;
  c.warmup_prefix = false;
  c.min_lr = 0.25;
  for (const int step : {20, 25, 500}) CHECK(learning_rate(c, step) == 0.25);
}

TEST_CASE("top-k counts ties and NaN as an examiner would") {
  EvalResult r;
  const Tensor logits =
      Tensor::from<float>({4, 6}, {1,   1, 0, 0, 0, 0,    // tie with an earlier class: wrong
                                   1,   1, 0, 0, 0, 0,    // tie with a later class: right
                                   NAN, 0, 0, 0, 0, 0,    // NaN at the label: wrong, also in top 5
                                   9,   8, 7, 6, 5, 4});  // last of six: outside top 5
  count_batch(r, logits, Tensor::from<std::int64_t>({4}, {1, 0, 0, 5}));
  CHECK(r.samples == 4);
  CHECK(r.correct1 == 1);
  CHECK(r.correct5 == 2);
  EvalResult loss;
  count_batch(loss, Tensor::from<float>({1, 2}, {0, std::log(3.0f)}), Tensor::from<std::int64_t>({1}, {1}));
  CHECK(loss.loss() == Approx(std::log(4.0 / 3)));
  CHECK(loss.class_correct == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("normalisation") {
  const Tensor x = Tensor::from<std::uint8_t>({1, 1, 2, 3}, {0, 255, 51, 102, 153, 204});
  const auto y = normalize_images(x, {0.5f, 0.25f, 0}, {0.5f, 0.25f, 1}).values<double>();
  const double want[] = {-1, 3, 0.2, -0.2, 1.4, 0.8};
  for (std::size_t i = 0; i < 6; ++i) CHECK(y[i] == Approx(want[i]).margin(1e-6));
}

TEST_CASE("a state dictionary goes out in PyTorch's layout and comes back") {
  for (const char* name : {"resnet8", "salunet_c8", "salunet_t"}) {
    ModelConfig config;
    config.name = name;
    const auto model = make_model(config);
    const auto tensors = state_dict(model->store());
    config.seed = 7;
    const auto other = make_model(config);
    CHECK(compare_bits(model->store().values(), other->store().values()) != "");
    load_state_dict(other->store(), tensors, "file");
    CHECK(compare_bits(model->store().values(), other->store().values()) == "");
  }
  ModelConfig config;
  config.name = "resnet8";
  const auto model = make_model(config);
  for (const NamedTensor& t : state_dict(model->store())) {
    if (t.name == "layer2.0.conv1.weight") {
      REQUIRE(t.tensor.shape() == Shape{32, 16, 3, 3});  // (O,I,H,W)
      for (const Parameter& p : model->store().parameters()) {
        if (p.name != t.name) continue;
        const auto ours = p.variable.value().values<float>(), theirs = t.tensor.values<float>();
        CHECK(theirs[((5 * 16 + 7) * 3 + 1) * 3 + 2] == ours[((5 * 3 + 1) * 3 + 2) * 16 + 7]);
      }
    }
    if (t.name == "bn1.num_batches_tracked") CHECK(t.tensor.shape() == Shape{});
  }
}

TEST_CASE("tensors that do not fit are listed") {
  ModelConfig config;
  config.name = "salunet_c8";
  const auto model = make_model(config);
  auto tensors = state_dict(model->store());
  config.num_classes = 7;
  const auto other = make_model(config);
  const Tensor before = other->store().values().clone();
  tensors.pop_back();
  tensors.push_back({"extra.weight", Tensor::zeros({1})});
  const std::string message = error_of([&] { load_state_dict(other->store(), tensors, "some/file"); });
  CHECK_THAT(message, Catch::Matchers::Contains(
                          "4: some/file: its tensors do not fit the model (1 missing: fc.bias; 1 "
                          "unexpected: extra.weight; 1 of another shape: fc.weight is (10,64), "
                          "expected (7,64))"));
  CHECK(compare_bits(other->store().values(), before) == "");  // all or nothing
}

TEST_CASE("an average that older checkpoints have not counted has seen the steps of the optimizer") {
  Checkpoint c;
  c.progress = nlohmann::json::parse(
      R"({"format": 1, "step": 12, "epoch": 1, "batch": 2, "loss_sum": 4.5, "loss_count": 3, "updates": 11,
          "skipped_row": 0, "best_score": 9, "best_epoch": 1, "gain_score": 9, "gain_epoch": 1,
          "data_fingerprint": 5})");
  CHECK(read_progress(c, "f", 5).ema_updates == 11);
  c.progress["ema_updates"] = 30;
  CHECK(read_progress(c, "f", 5).ema_updates == 30);
  CHECK(read_progress(c, "f", 5).updates == 11);
  c.progress["ema_updates"] = -1;
  CHECK(error_of([&] { read_progress(c, "f", 5); }).starts_with("4: f: "));
}

TEST_CASE("config.json says what is missing") {
  ModelCard card;
  card.class_names = {"a", "b"};
  card.model.num_classes = 2;
  card.std = {1, 1, 1};
  const nlohmann::json good = card_to_json(card);
  CHECK(card_from_json(good, "f").class_names == card.class_names);
  nlohmann::json bad = good;
  bad.erase("num_classes");
  CHECK_THAT(error_of([&] { card_from_json(bad, "f"); }), Catch::Matchers::Contains("4: f: config.json"));
  bad = good;
  bad["salu"]["format"] = 3;
  CHECK_THAT(error_of([&] { card_from_json(bad, "f"); }),
             Catch::Matchers::Contains("written by a newer salutrain (format 3, this build reads 1-1)"));
}

}  // namespace
}  // namespace salu::test
