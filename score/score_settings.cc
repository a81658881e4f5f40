// SPDX-License-Identifier: MIT
#include "score/score_settings.h"

#include "data/open_dataset.h"
#include "run/train_settings.h"

namespace salu {
namespace {

constexpr std::pair<const char*, EvalCrop> kEvalCrops[] = {
    {"center", EvalCrop::center}, {"squash", EvalCrop::squash}, {"border", EvalCrop::border}};
constexpr std::pair<const char*, bool> kTestAugmentations[] = {{"none", false}, {"hflip", true}};
constexpr const char* kCheckpoint = "run folder, checkpoint folder, timm's folder, .safetensors";

/// Settings that select weights and images.
void add_checkpoint_settings(Settings& t, ScoringOptions& o) {
  t.add("use-ema", o.use_ema, "the averaged weights only");
  t.group("Preprocessing");
  t.add("model", o.model, "network of weights without config.json");
  t.add("img-size", o.img_size, "image side, instead of the checkpoint's", from(1, 16384));
  t.add("crop-pct", o.crop_pct, "centre crop / resized side", above(0, 1));
  t.add("crop-mode", o.crop_mode,
        "resized is the short side (center), the long one and a border added (border), both (squash)",
        kEvalCrops);
  t.add("interpolation", o.interpolation, "how images are resized, instead of the checkpoint's",
        kInterpolations);
  t.add("mean", o.mean, "of red, green, blue in 0..1", from(0, 1));
  t.add("std", o.std, "deviation of red, green, blue in 0..1", above(0, 1));
  t.add("use-train-size", o.use_train_size, "not the size and crop named for tests");
  t.add("class-map", o.class_map, "a class name per line, in the order of the outputs");
}

/// add_checkpoint_settings() and how to run them.
void add_scoring_settings(Settings& t, ScoringOptions& o) {
  t.add("b,batch-size", o.batch_size, "images per step; the result does not depend on it", from(1, 1 << 20));
  add_threads_setting(t, o.threads);
  add_checkpoint_settings(t, o);
  t.add("exif-orientation", o.exif, "apply turns photos upright; as in training by default",
        kExifOrientations);
  t.add("tta", o.mirror, "hflip: mean of the logits of an image and its mirror image", kTestAugmentations);
  add_device_settings(t, o.device);
}

}  // namespace

Settings evaluate_settings(EvaluateOptions& o) {
  Settings t;
  t.add("checkpoints", o.checkpoints, "run folders, checkpoint folders, timm's folders or .safetensors files")
      .positional();
  t.add("dataset", o.data.dataset, "that of training by default").among(known_datasets());
  t.add("data-dir", o.data.data_dir, "where the data set lies; that of the run by default");
  t.add("split", o.data.split,
        "train, val, test, or a folder in --data-dir; the one that training scored by default")
      .checked(about_plain_name);
  t.add("num-samples", o.data.num_samples, "score only so many images, 0: all", from(0, kMaxCount));
  t.add("j,workers", o.workers, "loader threads", from(0, 256));
  t.add("bad-images", o.data.bad_images,
        "skip: pass over unreadable images, up to --max-bad of them; as in training by default", kBadImages);
  t.add("max-bad", o.data.max_bad,
        "skip: percent of the images that may be unreadable; above 0, one may be; as in training by default",
        from(0, 100));
  t.add("max-image-pixels", o.data.max_image_pixels,
        "a larger image counts as unreadable; as in training by default", from(1, kMostImagePixels));
  t.add("metrics-avg", o.average, "also show precision, recall and F1, averaged so", kAverages);
  t.add("per-class", o.per_class, "accuracy of each class (always in the JSON)");
  t.add("json", o.json, "JSON on stdout: an object, or an array for several results");
  t.add("results-file", o.results_file, "write the results there: .json or .csv");
  t.add("report", o.report, "folder for per_class.csv, confusion.csv, confusion.svg, calibration.csv");
  t.add("valid-labels", o.valid_labels, "file with a class name or index per line: no others are predicted");
  t.add("real-labels", o.real_labels,
        "ImageNet's ReaL labels, JSON: a list of right indices per validation image; adds real1, real5: some "
        "prediction is in the list; empty lists do not count");
  t.add("retry", o.retry, "out of memory: again with half the batch size, down to 1");
  add_scoring_settings(t, o.scoring);
  return t;
}

Settings predict_settings(PredictOptions& o) {
  Settings t;
  t.add("checkpoint", o.checkpoint, kCheckpoint).positional();
  t.add("images", o.images, "JPEG, PNG, BMP or PNM files").positional();
  t.add("max-image-pixels", o.max_image_pixels, "a larger image is refused", from(1, kMostImagePixels));
  t.add("topk", o.topk, "classes to show", from(1, 1 << 20));
  t.add("output-type", o.output_type, "the number of a class").among({"prob", "logit"});
  t.add("label-type", o.label_type, "how classes are called").among({"index", "name", "description"});
  t.add("class-descriptions", o.class_descriptions,
        "for --label-type description: lines such as 'n01440764 tench, Tinca tinca'; label_descriptions of "
        "config.json by default");
  t.add("json", o.json, "an array with an object per image");
  add_scoring_settings(t, o.scoring);
  return t;
}

Settings export_settings(ExportOptions& o) {
  Settings t;
  t.add("checkpoint", o.checkpoint, kCheckpoint).positional();
  t.add("o,output", o.output, "the file to write, e.g. model.onnx");
  t.add("b,batch-size", o.batch_size, "images per call; any number by default", from(1, 1 << 20));
  add_checkpoint_settings(t, o.scoring);
  return t;
}

void check_options(const EvaluateOptions& o) {
  if (o.checkpoints.empty()) fail(ErrorCode::usage, "no checkpoint given; expected at least one. See --help");
  const std::string extension = o.results_file.extension().string();
  if (!o.results_file.empty() && extension != ".json" && extension != ".csv") {
    fail(ErrorCode::usage, "--results-file: {}; expected a name that ends in .json or .csv",
         shown(o.results_file));
  }
}

void check_options(const PredictOptions& o) {
  if (o.images.empty()) fail(ErrorCode::usage, "expected a checkpoint and at least one image. See --help");
  if (!o.class_descriptions.empty() && o.label_type != "description") {
    fail(ErrorCode::usage,
         "--class-descriptions: given for --label-type {}; expected --label-type description", o.label_type);
  }
}

void check_options(const ExportOptions& o) {
  if (o.checkpoint.empty()) fail(ErrorCode::usage, "expected a checkpoint. See --help");
  if (o.output.empty()) fail(ErrorCode::usage, "--output: not given; expected a name such as model.onnx");
}

}  // namespace salu
