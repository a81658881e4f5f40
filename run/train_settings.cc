// SPDX-License-Identifier: MIT
#include "run/train_settings.h"

#include "data/open_dataset.h"

namespace salu {
namespace {

constexpr std::pair<const char*, RateScaling> kRateScalings[] = {{"linear", RateScaling::linear},
                                                                 {"sqrt", RateScaling::sqrt}};
constexpr std::pair<const char*, std::optional<CropMode>> kCropModes[] = {
    {"auto", std::nullopt}, {"pad", CropMode::padded}, {"rrc", CropMode::resized}};
constexpr std::pair<const char*, std::optional<Interpolation>> kTrainInterpolations[] = {
    {"random", std::nullopt}, {"bilinear", Interpolation::bilinear}, {"bicubic", Interpolation::bicubic}};
constexpr std::pair<const char*, EraseMode> kEraseModes[] = {
    {"const", EraseMode::constant}, {"rand", EraseMode::color}, {"pixel", EraseMode::pixel}};
constexpr std::pair<const char*, MixMode> kMixModes[] = {
    {"batch", MixMode::batch}, {"pair", MixMode::pair}, {"elem", MixMode::elem}};

void add_common(Settings& t, TrainOptions& o) {
  TrainConfig& c = o.config;
  t.group("Common");
  t.add("c,config", o.config_file, "read settings from a TOML file; flags win over it")
      .checked(about_regular_file)
      .action();
  t.add("dataset", c.data.dataset,
        "shapes: built in; packed: a file of `salutrain pack`; synthetic: random, for measuring")
      .among(known_datasets());
  t.add("data-dir", c.data.data_dir, "where the data set lies; packed: the file").local().may_change();
  t.add("model", c.model.name, "network; --list-models names them");
  t.add("epochs", c.epochs, "passes over the training images", from(1, 1e6)).may_change();
  t.add("b,batch-size", c.batch_size, "images that go through the network at once, on all ranks together",
        from(1, 1 << 20));
  t.add("seed", c.seed, "same seed, same result", from(0));
  add_threads_setting(t, c.threads);
  t.add("output", c.output, "run folder (default runs/<time>-<model>-<size>)").action();
  t.add_text(
       "experiment", "run folder runs/NAME",
       [&c](const std::string& name) { c.output = std::filesystem::path("runs") / name; }, [] { return ""; })
      .checked(about_plain_name)
      .not_with("output")
      .action();
  t.add("benchmark", o.benchmark, "time so many training steps, print images per second, and stop",
        from(1, 1e6))
      .action();
  t.add("overfit-batch", o.overfit_batch,
        "train so many steps on one batch, without augmentation; say whether it was learned; stop",
        from(2, 1e6))
      .action();
  t.add("dry-run", o.dry_run, "go through everything once, say how long a run will take, and stop").action();
  t.add("resume", o.resume,
        "continue the run in this folder, bit for bit; with --output a new run starts from the checkpoint")
      .not_with("overwrite")
      .action();
}

void add_data(Settings& t, TrainConfig& c) {
  t.group("Data");
  add_folder_settings(t, c.data);
  t.add("val-from-train", c.data.val_from_train,
        "hold out so many training images for validation; a test set chooses nothing", from(0, kMaxCount));
  t.add("train-num-samples", c.data.train_num_samples, "use only so many, 0: all", from(0, kMaxCount));
  t.add("val-num-samples", c.data.val_num_samples, "score only so many, 0: all", from(0, kMaxCount));
  t.add("j,workers", c.workers, "loader threads, -1: one per core, at most 4; 0: none", from(-1, 256))
      .local()
      .may_change();
  add_bad_image_settings(t, c.bad_images, c.max_bad);
  t.add("validation-batch-size", c.validation_batch_size, "images per evaluation step", from(1, 1 << 20))
      .may_change();
  t.add("interpolation", c.interpolation, "how evaluation resizes (default bicubic)", kInterpolations);
  t.add("mean", c.mean, "of red, green, blue in 0..1; the data set's by default", from(0, 1));
  t.add("std", c.std, "deviation of red, green, blue in 0..1; the data set's by default", above(0, 1));
}

void add_model(Settings& t, TrainOptions& o) {
  ModelConfig& m = o.config.model;
  t.group("Model");
  t.add("norm", m.norm, "normalization; the network's own by default").among(choice_names(kNorms));
  t.add("act", m.act, "activation; the network's own by default").among(act_names());
  t.add("positive", m.positive, "how a and b are stored").among(choice_names(kPositives));
  t.add("stabilizer-a", m.stabilizer_a, "initial a of SALU", above(0));
  t.add("stabilizer-b", m.stabilizer_b, "initial b of SALU", above(0));
  t.add("gate-a", m.gate_a, "initial a of the gates", above(0));
  t.add("gate-b", m.gate_b, "initial b of the gates", above(0));
  t.add("weight-init", m.weight_init, "of convolutions; framework: PyTorch's")
      .among(choice_names(kWeightInits));
  t.add("head-init", m.head_init, "classifier of ResNets; framework: PyTorch's; small_normal: sd 0.01")
      .among(choice_names(kHeadInits));
  t.add("head-bias", m.head_bias, "initial bias of the classifier; --bce-loss: -log(classes - 1)",
        from(-1000));
  t.add("stem", m.stem, "3x3, or 7x7 and pooling; by image size").among(choice_names(kStems));
  t.add("initial-checkpoint", o.config.initial_checkpoint,
        "start from these weights: a run or checkpoint of ours, a folder of timm's, a .safetensors");
  t.add("img-size", o.config.img_size, "image side; the data set's by default", from(1, 16384));
  t.add("num-classes", o.config.num_classes, "of --dataset synthetic (10)", from(2, 100000));
  t.add("list-models", o.list_models, "print the names and stop").action();
  t.add("summary", o.summary, "print layers, parameters, FLOPs and stop").action();
}

void add_optimisation(Settings& t, TrainOptions& o) {
  TrainConfig& c = o.config;
  OptimizerConfig& opt = c.optimizer;
  t.group("Optimisation");
  t.add("grad-accum-steps", c.step.accumulate, "batches before one step of the optimizer", from(1, 65536));
  t.group("Optimisation", OnResume::with_fresh_optimizer);
  t.add("opt", c.opt, "default sgd with batch norm, else adamw; adam: coupled L2", kOptimizers);
  t.add("lr", c.lr,
        "learning rate (sgd: 0.1 B/128; lars: sqrt(B/128); others: 0.002 sqrt(B/128), transformers half of "
        "it)",
        above(0));
  t.add("lr-base", c.lr_base, "learning rate of a step of --lr-base-size images, in place of --lr", above(0));
  t.add("lr-base-size", c.lr_base_size, "of --lr-base", from(1, 1 << 20));
  t.add("lr-base-scale", c.lr_base_scale, "how --lr-base grows with the step (sgd, lars: linear)",
        kRateScalings);
  t.add("momentum", opt.momentum, "of sgd and lars", from(0, 1));
  t.add("nesterov", c.nesterov, "momentum that looks ahead (sgd: on, lars: off)");
  t.add("opt-betas", opt.betas, "of adam and lamb: decay of the two moments", from(0, 1 - 1e-9));
  t.add("opt-eps", c.opt_eps, "of adam, lamb and lars (lamb 1e-6, others 1e-8)", above(0));
  t.add("weight-decay", c.weight_decay, "on weights (sgd 5e-4, adam and lars 5e-5, adamw 0.05, lamb 0.02)",
        from(0));
  t.add("decay-all", opt.decay_all, "decay also biases, norms and tokens; never coefficients");
  t.add("coef-lr-scale", c.coef_lr_scale,
        "learning rate of activation coefficients, relative (sgd, lars 1; others 10)", from(0));
  t.add("coef-max-step", opt.coefficient_max_step, "largest change of a coefficient in a step, 0: no limit",
        from(0));
  t.add("layer-decay", opt.layer_decay, "learning rate of a layer relative to that of the one after it",
        above(0, 1));
  t.add("clip-grad", c.clip_grad, "limit of --clip-mode (agc 0.01, lamb 1), 0: no clipping", from(0));
  t.add("clip-mode", opt.clip_mode,
        "limits the norm of all gradients, the value of each, or (agc) a filter's norm relative to its "
        "weights",
        kClipModes);
  t.add("resume-opt", o.resume_opt,
        "--resume: go on with the optimizer's state; without it, its settings may change")
      .only_with("resume")
      .action();
}

void add_schedule(Settings& t, TrainConfig& c) {
  ScheduleConfig& s = c.schedule;
  t.group("Schedule");
  t.add("sched", s.kind, "of the learning rate", kSchedules);
  t.add("min-lr", c.min_lr, "lowest learning rate (0; onecycle: lr / 250000)", from(0)).of_optimizer();
  t.add("warmup-epochs", c.warmup_epochs,
        "linear start (a tenth of the epochs, at most 5); onecycle: way up (3 tenths)", from(0));
  t.add("warmup-lr", c.warmup_lr, "rate that it starts from (0; --sched-per-epoch: 1e-5; onecycle: lr / 25)",
        from(0))
      .of_optimizer();
  t.add("warmup-prefix", s.warmup_prefix,
        "the schedule begins after the warm-up, which makes the run longer; not onecycle");
  t.add("decay-epochs", s.decay_epochs, "of step", above(0));
  t.add("decay-milestones", s.decay_milestones, "of multistep, in epochs: 100,150", above(0));
  t.add("decay-rate", s.decay_rate, "of step and multistep", above(0));
  t.add("cooldown-epochs", c.cooldown_epochs,
        "further epochs, at the last rate of the schedule; cosine and onecycle: at --min-lr", from(0, 1e6));
  t.add("sched-per-epoch", s.per_epoch, "the rate changes between epochs only");
}

void add_augmentation(Settings& t, TrainOptions& o) {
  TrainConfig& c = o.config;
  TransformOptions& a = c.augmentation;
  t.group("Augmentation");
  t.add("aug", a.augment, "--no-aug: none of the settings of this group but --mixup and --cutmix");
  t.add("train-crop-mode", a.crop_mode,
        "pad: border, random crop; rrc: random part, resized; auto: pad up to 64 pixels", kCropModes);
  t.add("crop-padding", a.crop_padding, "pad: width of the border", from(0, 64));
  t.add("scale", a.scale, "rrc: least and greatest share of the area", above(0, 1));
  t.add("ratio", a.ratio, "rrc: least and greatest width / height", above(0, 100));
  t.add("train-interpolation", a.train_interpolation, "of rrc and of policies", kTrainInterpolations);
  t.add("hflip", a.hflip, "chance of a mirror image", from(0, 1));
  t.add("vflip", a.vflip, "chance of an image upside down", from(0, 1));
  t.add("color-jitter", a.color_jitter,
        "brightness, contrast, colour by up to this share; not used beside --aa, as in timm", from(0, 10));
  t.add_text(
      "aa",
      "policy: rand-m9-mstd0.5-inc1 (n steps, p chance, mmax), ta_wide, cifar10, original, originalr, v0, "
      "v0r",
      [&a](const std::string& text) { a.policy = AutoAugment::parse(text); },
      [&a] { return a.policy.name(); });
  t.add("cutout", a.cutout, "side of a square that is erased, 0: none", from(0, 16384));
  t.add("reprob", a.erase.chance, "chance of random erasing", from(0, 1));
  t.add("remode", a.erase.mode, "erased: the mean, one random colour, or noise", kEraseModes);
  t.add("recount", a.erase.count, "most erased rectangles", from(1, 100));
  t.add("aug-repeats", c.aug_repeats,
        "each image so many times in a row, and 1 of so many images in an epoch; 0: once", from(0, 1000));
  t.add("crop-pct", c.crop_pct, "evaluation crop / resized side", above(0, 1));
  t.add("aug-preview", o.aug_preview, "write augmented images to this PNG file and stop").action();
}

void add_mixing(Settings& t, MixOptions& m) {
  t.add("mixup", m.mixup, "blend two images, share from Beta(alpha, alpha); 0: none", from(0, 1000));
  t.add("cutmix", m.cutmix, "paste a box of another image, area from Beta(alpha, alpha); 0: none",
        from(0, 1000));
  t.add("cutmix-minmax", m.cutmix_minmax,
        "least and greatest side of the box, relative, in place of --cutmix; 0 0: none", from(0, 1));
  t.add("mixup-prob", m.prob, "chance of either", from(0, 1));
  t.add("mixup-switch-prob", m.switch_prob, "chance of cutmix where both are on", from(0, 1));
  t.add("mixup-mode", m.mode, "who shares the random numbers; elem: nobody", kMixModes);
  t.add("mixup-off-epoch", m.off_epoch, "mix nothing from this epoch on; 0: to the end", from(0, 1e6));
}

void add_regularisation(Settings& t, TrainConfig& c) {
  t.group("Regularisation");
  t.add("smoothing", c.smoothing, "label smoothing", from(0, 0.999));
  t.add("smoothing-wrong-classes", c.smoothing_wrong_classes, "spread it over the wrong classes only");
  t.add("drop", c.model.drop, "dropout before the classifier", from(0, 0.999));
  t.add("drop-path", c.model.drop_path, "stochastic depth of the last block", from(0, 0.999));
  t.add("bce-loss", c.step.bce, "train on binary cross entropy of each class");
  t.add("bce-target-thresh", c.bce_target_thresh, "its targets: 1 above this, else 0", from(0, 1));
  t.add("model-ema", c.model_ema, "also keep and score a moving average of the weights");
  t.add("model-ema-decay", c.model_ema_decay, "its decay per step", above(0, 1 - 1e-9));
  t.add("model-ema-warmup", c.model_ema_warmup, "at most 1 - t^(-2/3) in step t");
}

void add_output(Settings& t, TrainOptions& o) {
  TrainConfig& c = o.config;
  t.group("Output", OnResume::free);
  t.add("checkpoint-hist", c.checkpoint_hist, "checkpoints of epochs to keep beside last and best",
        from(1, 1e6));
  t.add("recovery-interval", c.recovery_interval, "steps between checkpoints inside an epoch, 0: none",
        from(0, kMaxCount));
  t.add("val-interval", c.val_interval, "score after every so many epochs, and after the last", from(1, 1e6));
  t.add("eval-metric", c.eval_metric, "decides which epoch is the best one", kEvalMetrics).fixed();
  t.add("patience", c.patience, "stop after so many epochs without a gain on the validation images, 0: never",
        from(0, 1e6));
  t.add("min-delta", c.min_delta, "a gain is more than this", from(0)).fixed();
  t.add("log-interval", c.log_interval, "steps between rows of metrics.jsonl", from(1, 1e9));
  t.add("overwrite", o.overwrite, "replace an earlier run in --output").action();
  t.add("max-seconds", c.max_seconds, "stop after so long, with a checkpoint; 0: no limit", from(0)).action();
  t.add("max-steps", c.max_steps, "stop after this step, with a checkpoint; 0: no limit", from(0, kMaxCount))
      .action();
  t.add("progress", o.progress, "how the training is shown", kProgressStyles).action();
  t.add("report", o.report, "write report.html at the end of the run").action();
  t.add("q,quiet", o.quiet, "nothing on stderr but errors").action();
  t.add("print-config", o.print_config, "print every setting as TOML and stop").action();
  t.add("json", o.json, "--benchmark: print a JSON object").action();
  t.add("profile", o.profile, "--benchmark: time of each op").only_with("benchmark").action();
}

void add_ranks(Settings& t, TrainOptions& o) {
  t.group("Ranks (mpirun)", OnResume::free);
  t.add("rank-timeout", o.config.rank_timeout, "seconds to wait for a rank that does not answer", above(0));
  t.add("check-ranks-interval", o.config.check_ranks_interval,
        "compare the ranks' weights every so many steps, 0: never", from(0, kMaxCount));
  t.add("allow-rank-change", o.allow_rank_change, "resume a run of another number of ranks").action();
}

}  // namespace

void add_device_settings(Settings& t, DeviceOptions& o) {
  t.group("Device");
  t.add("device", o.device, "auto (a GPU where there is one), cpu, cuda, cuda:1, ...").local().may_change();
  t.add("precision", o.activations, "of activations; parameters are f32; auto: bf16 on a GPU or with AMX",
        kPrecisions)
      .not_with("amp");
  t.add_switch("amp", "--precision bf16", [&o] { o.activations = DType::bf16; }).action();
  t.add("kernels", o.handwritten, "cuda: those of cuDNN and cuBLAS, or this project's own", kKernelSources)
      .may_change();
  t.add("tf32", o.tf32, "cuda: f32 products on tensor cores, with 10 bits of mantissa");
  t.add("deterministic", o.deterministic,
        "cuda: the same bits on every run; without it cuDNN may add in any order");
}

void add_folder_settings(Settings& t, DataOptions& data) {
  t.add("train-split", data.train_split, "folder: name of its training images").checked(about_plain_name);
  t.add("val-split", data.val_split,
        "folder: name of the images to score (default val, validation, valid or test)")
      .checked(about_plain_name);
  t.add("exif-orientation", data.decode.exif, "folder: apply turns photos upright, as a viewer does",
        kExifOrientations);
  t.add("max-image-pixels", data.decode.max_pixels, "folder: a larger image counts as unreadable",
        from(1, kMostImagePixels))
      .may_change();
}

void add_bad_image_settings(Settings& t, BadImages& bad_images, double& max_bad) {
  t.add("bad-images", bad_images, "skip: pass over unreadable images, up to --max-bad of them", kBadImages)
      .may_change();
  t.add("max-bad", max_bad, "skip: percent of the images that may be unreadable; above 0, one may be",
        from(0, 100))
      .may_change();
}

void add_threads_setting(Settings& t, int& threads) {
  t.add("threads", threads, "CPU threads, 0: all cores; the result does not depend on it", from(0, 1024))
      .local()
      .may_change();
}

Settings train_settings(TrainOptions& o) {
  Settings t;
  add_common(t, o);
  add_device_settings(t, o.device);
  t.add("graph", o.config.step.record, "cuda: record the step once and replay it").may_change();
  t.add("check", o.check, "print what was built and found, test the device, and stop").action();
  add_data(t, o.config);
  add_model(t, o);
  add_optimisation(t, o);
  add_schedule(t, o.config);
  add_augmentation(t, o);
  add_mixing(t, o.config.mixing);
  add_regularisation(t, o.config);
  add_output(t, o);
  add_ranks(t, o);
  return t;
}

}  // namespace salu
