// SPDX-License-Identifier: MIT
#include "apps/augmentation_options.h"

#include "apps/cli.h"

namespace salu {
namespace {

void add_augmentation(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  const auto add = [&](CLI::Option* option) { option->group("Augmentation")->capture_default_str(); };
  add(app.add_flag("--no-aug", c.no_aug, "none of what follows"));
  add(app.add_option("--train-crop-mode", c.train_crop_mode,
                     "pad (border, random crop), rrc (random part, resized), auto: pad up to 64 pixels"));
  add(app.add_option("--crop-padding", c.crop_padding, "pad: width of the border")
          ->check(whole_number(0, 64)));
  add(app.add_option("--scale", c.scale, "rrc: least and greatest share of the area")
          ->delimiter(',')
          ->check(real_number(0, true, 1)));
  add(app.add_option("--ratio", c.ratio, "rrc: least and greatest width / height")
          ->delimiter(',')
          ->check(real_number(0, true, 100)));
  add(app.add_option("--train-interpolation", c.train_interpolation,
                     "of rrc and of policies: random, bilinear, bicubic"));
  add(app.add_option("--hflip", c.hflip, "chance of a mirror image")->check(real_number(0, false, 1)));
  add(app.add_option("--vflip", c.vflip, "chance of standing on its head")->check(real_number(0, false, 1)));
  add(app.add_option("--color-jitter", c.color_jitter,
                     "brightness, contrast, colour by up to this share; not used beside --aa, as in timm")
          ->check(real_number(0, false, 10)));
  add(app.add_option("--aa", c.aa,
                     "policy: rand-m9-mstd0.5-inc1 (n steps, p chance, mmax), ta_wide, cifar10, original, "
                     "originalr, v0, v0r, none"));
  add(app.add_option("--cutout", c.cutout, "side of a square that is erased, 0: none")
          ->check(whole_number(0, 16384)));
  add(app.add_option("--reprob", c.reprob, "chance of random erasing")->check(real_number(0, false, 1)));
  add(app.add_option("--remode", c.remode, "erased: const (mean), rand (one colour), pixel (noise)"));
  add(app.add_option("--recount", c.recount, "most erased rectangles")->check(whole_number(1, 100)));
  add(app.add_option("--aug-repeats", c.aug_repeats,
                     "each picture so many times in a row, and 1 of so many pictures in an epoch; 0: once")
          ->check(whole_number(0, 1000)));
  add(add_optional(app, "--crop-pct", c.crop_pct, "evaluation crop / resized side")
          ->check(real_number(0, true, 1)));
  app.add_option("--aug-preview", o.aug_preview, "write augmented pictures to this PNG file and stop")
      ->group("Augmentation")
      ->configurable(false);
}

void add_regularisation(CLI::App& app, TrainOptions& o) {
  TrainConfig& c = o.config;
  const auto add = [&](CLI::Option* option) { option->group("Regularisation")->capture_default_str(); };
  add(app.add_option("--smoothing", c.smoothing, "label smoothing")->check(real_number(0, false, 0.999)));
  add(app.add_flag("--smoothing-wrong-classes", c.smoothing_wrong_classes,
                   "spread it over the wrong classes only"));
  add(app.add_option("--drop", c.model.drop, "dropout before the classifier")
          ->check(real_number(0, false, 0.999)));
  add(app.add_option("--drop-path", c.model.drop_path, "stochastic depth of the last block")
          ->check(real_number(0, false, 0.999)));
  add(app.add_flag("--bce-loss", c.bce_loss, "train on binary cross entropy of each class"));
  add(add_optional(app, "--bce-target-thresh", c.bce_target_thresh, "its targets: 1 above this, else 0")
          ->check(real_number(0, false, 1)));
  add(app.add_flag("--model-ema", c.model_ema, "also keep and score a moving average of the weights"));
  add(app.add_option("--model-ema-decay", c.model_ema_decay, "its decay per step")
          ->check(real_number(0, false, 1)));
  add(app.add_flag("--model-ema-warmup", c.model_ema_warmup, "at most 1 - t^(-2/3) in step t"));
}

}  // namespace

void add_augmentation_options(CLI::App& app, TrainOptions& options) {
  add_augmentation(app, options);
  add_regularisation(app, options);
}

}  // namespace salu
