// SPDX-License-Identifier: MIT
#include "apps/optimisation_options.h"

#include "apps/cli.h"

namespace salu {
namespace {

void add_optimisation(CLI::App& app, TrainConfig& c) {
  const auto add = [&](CLI::Option* option) { option->group("Optimisation")->capture_default_str(); };
  add(app.add_option("--grad-accum-steps", c.grad_accum_steps, "batches behind one step of the optimizer")
          ->check(whole_number(1, 65536)));
  add(add_optional(app, "--opt", c.opt, "sgd (for batch norm), adam (coupled L2), adamw, lamb, lars"));
  add(add_optional(app, "--lr", c.lr,
                   "learning rate (sgd: 0.1 B/128; lars: sqrt(B/128); others: 0.002 sqrt(B/128), "
                   "transformers half of it)")
          ->check(real_number(0, true)));
  add(add_optional(app, "--lr-base", c.lr_base,
                   "learning rate of a step of --lr-base-size pictures, in place of --lr")
          ->check(real_number(0, true)));
  add(app.add_option("--lr-base-size", c.lr_base_size, "of --lr-base")->check(whole_number(1, 1048576)));
  add(add_optional(app, "--lr-base-scale", c.lr_base_scale,
                   "how --lr-base grows with the step: linear (sgd), sqrt (others)")
          ->check(CLI::IsMember({"linear", "sqrt"})));
  add(app.add_option("--momentum", c.momentum, "of sgd")->check(real_number(0, false, 1)));
  add(add_switch(app, "--nesterov", c.nesterov, "sgd: look ahead"));
  add(app.add_option("--opt-betas", c.opt_betas, "of adam and lamb: decay of the two moments")
          ->delimiter(',')
          ->check(real_number(0, false, 1)));
  add(add_optional(app, "--opt-eps", c.opt_eps, "of adam, lamb and lars (lamb 1e-6, others 1e-8)")
          ->check(real_number(0, true)));
  add(add_optional(app, "--weight-decay", c.weight_decay,
                   "on weights (sgd 5e-4, adam and lars 5e-5, adamw 0.05, lamb 0.02)")
          ->check(real_number(0, false)));
  add(app.add_option("--decay-all", c.decay_all,
                     "true: also on biases, norms and tokens; never on coefficients"));
  add(add_optional(app, "--coef-lr-scale", c.coef_lr_scale,
                   "learning rate of activation coefficients, relative (sgd, lars 1; others 10)")
          ->check(real_number(0, false)));
  add(app.add_option("--coef-max-step", c.coef_max_step,
                     "largest change of a coefficient in a step, 0: no limit")
          ->check(real_number(0, false)));
  add(app.add_option("--layer-decay", c.layer_decay,
                     "learning rate of a layer relative to that of the one behind it")
          ->check(real_number(0, true, 1)));
  add(add_optional(app, "--clip-grad", c.clip_grad, "limit of --clip-mode (agc 0.01, lamb 1), 0: no clipping")
          ->check(real_number(0, false)));
  add(app.add_option(
      "--clip-mode", c.clip_mode,
      "norm (of all gradients), value (of each), agc (norm of a filter relative to its weights)"));
}

void add_schedule(CLI::App& app, TrainConfig& c) {
  const auto add = [&](CLI::Option* option) { option->group("Schedule")->capture_default_str(); };
  add(app.add_option("--sched", c.sched, "cosine, step, multistep, constant, onecycle"));
  add(add_optional(app, "--min-lr", c.min_lr, "lowest learning rate (0; onecycle: lr / 250000)")
          ->check(real_number(0, false)));
  add(add_optional(app, "--warmup-epochs", c.warmup_epochs,
                   "linear start (a tenth of the epochs, at most 5); onecycle: way up (3 tenths)")
          ->check(real_number(0, false)));
  add(add_optional(app, "--warmup-lr", c.warmup_lr, "where it starts (0; onecycle: lr / 25)")
          ->check(real_number(0, false)));
  add(app.add_flag("--warmup-prefix", c.warmup_prefix, "the schedule begins behind the warm-up"));
  add(app.add_option("--decay-epochs", c.decay_epochs, "of step")->check(real_number(0, true)));
  add(app.add_option("--decay-milestones", c.decay_milestones, "of multistep, in epochs: 100,150"));
  add(app.add_option("--decay-rate", c.decay_rate, "of step and multistep")->check(real_number(0, true)));
  add(app.add_option("--cooldown-epochs", c.cooldown_epochs,
                     "further epochs, at the last rate of the schedule")
          ->check(whole_number(0, 1000000)));
  add(app.add_option("--sched-per-epoch", c.sched_per_epoch, "true: the rate changes between epochs only"));
}

void add_mixing(CLI::App& app, TrainConfig& c) {
  const auto add = [&](CLI::Option* option) { option->group("Augmentation")->capture_default_str(); };
  add(app.add_option("--mixup", c.mixup, "blend two pictures, share from Beta(alpha, alpha); 0: none")
          ->check(real_number(0, false, 1000)));
  add(app.add_option("--cutmix", c.cutmix,
                     "paste a box of another picture, area from Beta(alpha, alpha); 0: none")
          ->check(real_number(0, false, 1000)));
  add(app.add_option("--cutmix-minmax", c.cutmix_minmax,
                     "least and greatest side of the box, relative, in place of --cutmix; 0 0: none")
          ->delimiter(',')
          ->check(real_number(0, false, 1)));
  add(app.add_option("--mixup-prob", c.mixup_prob, "chance of either")->check(real_number(0, false, 1)));
  add(app.add_option("--mixup-switch-prob", c.mixup_switch_prob, "chance of cutmix where both are on")
          ->check(real_number(0, false, 1)));
  add(app.add_option("--mixup-mode", c.mixup_mode,
                     "who shares the random numbers: batch, pair, elem (none)"));
  add(app.add_option("--mixup-off-epoch", c.mixup_off_epoch, "mix nothing from this epoch on; 0: to the end")
          ->check(whole_number(0, 1000000)));
}

}  // namespace

void add_optimisation_options(CLI::App& app, TrainConfig& config) {
  add_optimisation(app, config);
  add_schedule(app, config);
  add_mixing(app, config);
}

}  // namespace salu
