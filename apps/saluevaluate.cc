// SPDX-License-Identifier: MIT
/// saluevaluate: scores checkpoints, and classifies single pictures. Results go to stdout.
#include "apps/cli.h"
#include "core/parallel.h"
#include "run/interchange/onnx_export.h"
#include "score/evaluate.h"
#include "score/predict.h"
#include "score/results.h"

namespace {

using namespace salu;

using Arguments = std::vector<std::string>;

bool read_options(EvaluateOptions& o, const Arguments& arguments) {
  CLI::App app("Scores checkpoints; preprocessing comes from the checkpoint.", "saluevaluate");
  const auto add = [&](CLI::Option* option) { return option->group("Common")->capture_default_str(); };
  add(app.add_option("checkpoints", o.checkpoints,
                     "run folders, checkpoint folders, timm's folders or .safetensors files"));
  add(add_optional(app, "--dataset", o.data.dataset,
                   "shapes, cifar10, cifar100, folder, packed; that of training by default"));
  add(app.add_option("--data-dir", o.data.data_dir, "where the data set lies; that of the run by default"));
  add(add_optional(app, "--split", o.data.split,
                   "train, val, test, or a folder in --data-dir; what training scored by default"))
      ->check(plain_name());
  add(app.add_option("--num-samples", o.data.num_samples, "score only so many pictures, 0: all")
          ->check(whole_number(0, 1LL << 40)));
  add(app.add_option("-j,--workers", o.workers, "loader threads")->check(whole_number(0, 256)));
  add(add_optional(
          app, "--bad-images", o.data.bad_images,
          "stop, skip: pass over unreadable pictures, up to --max-bad of them;\nas in training by default"))
      ->check(CLI::IsMember({"stop", "skip"}));
  add(add_optional(app, "--max-bad", o.data.max_bad,
                   "skip: percent of the pictures that may be unreadable; above 0, one may be;\nas in "
                   "training by default"))
      ->check(real_number(0, false, 100));
  std::string average;
  add(app.add_option("--metrics-avg", average, "also show precision, recall and F1: macro, micro, weighted"))
      ->check(CLI::IsMember({"macro", "micro", "weighted"}));
  add(app.add_flag("--per-class", o.per_class, "accuracy of each class (always in the JSON)"));
  add(app.add_flag("--json", o.json, "JSON on stdout: an object, or an array for several results"));
  add(app.add_option("--results-file", o.results_file, "write the results there: .json or .csv"));
  add(app.add_option("--report", o.report,
                     "folder for per_class.csv, confusion.csv, confusion.svg, calibration.csv"));
  add(app.add_option("--valid-labels", o.valid_labels,
                     "file with a class name or index per line: no others are predicted"));
  add(app.add_option("--real-labels", o.real_labels,
                     "ImageNet's ReaL labels, JSON: a list of right indices per validation picture; adds\n"
                     "real1, real5: some prediction is in the list; empty lists do not count"));
  add(app.add_flag("--retry", o.retry, "out of memory: again with half the batch size, down to 1"));
  add_scoring_options(app, o.scoring);
  finish_app(app,
             "\nsaluevaluate predict CHECKPOINT IMAGE... classifies pictures.\n"
             "saluevaluate export CHECKPOINT --output FILE writes an ONNX file.\n"
             "\nExamples:\n"
             "  saluevaluate runs/20260801-101500-salunet_c8-32\n"
             "  saluevaluate runs/a/best runs/b/best --data-dir DIR --results-file scores.csv\n"
             "  saluevaluate timm_resnet50 --data-dir imagenet --img-size 288 --crop-pct 1 --tta hflip\n"
             "  saluevaluate runs/a --metrics-avg macro --report runs/a/report\n");
  if (!parse_arguments(app, arguments)) return false;
  if (o.checkpoints.empty()) fail(ErrorCode::usage, "no checkpoint given; expected at least one. See --help");
  o.show_average = !average.empty();
  if (o.show_average) o.average = average_of(average);
  const std::string extension = o.results_file.extension().string();
  if (!o.results_file.empty() && extension != ".json" && extension != ".csv") {
    fail(ErrorCode::usage, "--results-file: {}; expected a name that ends in .json or .csv",
         shown(o.results_file));
  }
  return true;
}

bool read_options(PredictOptions& o, const Arguments& arguments) {
  CLI::App app("Classifies pictures; preprocessing comes from the checkpoint.", "saluevaluate predict");
  const auto add = [&](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  add(app.add_option("checkpoint", o.checkpoint,
                     "run folder, checkpoint folder, timm's folder, .safetensors"));
  add(app.add_option("images", o.images, "JPEG, PNG, BMP or PNM files"));
  add(app.add_option("--topk", o.topk, "classes to show")->check(whole_number(1, 1048576)));
  add(app.add_option("--output-type", o.output_type, "prob, logit")->check(CLI::IsMember({"prob", "logit"})));
  add(app.add_option("--label-type", o.label_type, "what classes are called: index, name, description")
          ->check(CLI::IsMember({"index", "name", "description"})));
  add(app.add_option("--class-descriptions", o.class_descriptions,
                     "for --label-type description: lines such as 'n01440764 tench, Tinca tinca';\n"
                     "label_descriptions of config.json by default"));
  add(app.add_flag("--json", o.json, "an array with an object per picture"));
  add_scoring_options(app, o.scoring);
  finish_app(app,
             "\nExamples:\n"
             "  saluevaluate predict runs/a/best cat.jpg dog.png\n"
             "  saluevaluate predict timm_vit *.jpg --topk 3 --json\n");
  if (!parse_arguments(app, arguments)) return false;
  if (o.images.empty()) fail(ErrorCode::usage, "expected a checkpoint and at least one picture. See --help");
  if (!o.class_descriptions.empty() && o.label_type != "description") {
    fail(ErrorCode::usage,
         "--class-descriptions: given for --label-type {}; expected --label-type description", o.label_type);
  }
  return true;
}

struct ExportOptions {
  std::string checkpoint;
  std::filesystem::path output;
  std::optional<std::int64_t> batch_size;  ///< any number of pictures where it is not given
  ScoringOptions scoring;
};

bool read_options(ExportOptions& o, const Arguments& arguments) {
  CLI::App app("Writes a network as an ONNX file.", "saluevaluate export");
  const auto add = [&](CLI::Option* option) { return option->group("Common"); };
  add(app.add_option("checkpoint", o.checkpoint,
                     "run folder, checkpoint folder, timm's folder, .safetensors"));
  add(app.add_option("-o,--output", o.output, "the file to write, e.g. model.onnx"));
  add(add_optional(app, "-b,--batch-size", o.batch_size, "pictures per call; any number by default"))
      ->check(whole_number(1, 1048576));
  add_checkpoint_options(app, o.scoring);
  finish_app(app,
             "\nThe input takes normalised pixels (N,3,S,S); mean, std and class names are in the metadata.\n"
             "\nExamples:\n"
             "  saluevaluate export runs/a/best --output a.onnx\n"
             "  saluevaluate export timm_vit --output vit.onnx --img-size 384 --batch-size 1\n");
  if (!parse_arguments(app, arguments)) return false;
  if (o.checkpoint.empty()) fail(ErrorCode::usage, "expected a checkpoint. See --help");
  if (o.output.empty()) fail(ErrorCode::usage, "--output: not given; expected a name such as model.onnx");
  return true;
}

void print_results(const EvaluateOptions& options, const std::vector<ScoredWeights>& scored) {
  if (options.json) {
    fmt::print("{}\n", results_json(scored).dump(2));
    return;
  }
  fmt::print("{}", result_table(scored, options.show_average));
  for (const ScoredWeights& s : scored) {
    if (!options.per_class) continue;
    fmt::print("\n{}{}", scored.size() > 1 ? fmt::format("{} ({})\n", shown(s.path), s.weights) : "",
               class_table(s));
  }
  if (scored.size() == 1) {
    const EvalResult& r = scored[0].result;
    fmt::print(" * Acc@1 {:.3f} ({:.3f}) Acc@5 {:.3f} ({:.3f})\n", r.top1(), 100 - r.top1(), r.top5(),
               100 - r.top5());
    if (const auto& real = scored[0].real) {
      fmt::print(" * ReaL@1 {:.3f} ReaL@5 {:.3f} of {} pictures\n", real->top1(), real->top5(),
                 real->samples);
    }
  }
}

/// After every checkpoint, so that a long list leaves what it has got.
void write_results(const EvaluateOptions& options, const std::vector<ScoredWeights>& scored) {
  if (options.results_file.empty()) return;
  const bool json = options.results_file.extension() == ".json";
  replace_file(real_files(), options.results_file,
               json ? results_json(scored).dump(2) + "\n" : results_csv(scored));
}

/// One result stands in the folder itself, several in a sub-folder each.
void write_reports(const EvaluateOptions& options, const std::vector<ScoredWeights>& scored) {
  if (options.report.empty()) return;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    const ScoredWeights& s = scored[i];
    const auto folder =
        scored.size() == 1 ? options.report : options.report / fmt::format("{:02}-{}", i + 1, s.weights);
    write_report(folder, s.result, s.card.class_names,
                 fmt::format("{} ({}), top-1 {:.2f} %", escaped(s.path), s.weights, s.result.top1()));
  }
}

void describe(const ScoredWeights& s) {
  if (!s.non_finite.empty()) {
    fmt::print(stderr, "saluevaluate: warning: {}: tensor {} holds NaN or Inf\n", shown(s.path),
               s.non_finite);
  }
  fmt::print(stderr, "{} ({}): {} pictures of {}: {}\n", shown(s.path), s.weights, s.result.samples,
             s.dataset, s.description);
}

int evaluate_main(const Arguments& arguments) {
  EvaluateOptions options;
  if (!read_options(options, arguments)) return 0;
  set_num_threads(options.scoring.threads);
  options.scoring.placement = open_device(options.scoring.device);
  if (options.results_file.has_parent_path()) real_files().make_folders(options.results_file.parent_path());
  if (!options.report.empty()) real_files().make_folders(options.report);
  std::vector<ScoredWeights> scored;
  int first_error = 0;
  for (const std::string& path : options.checkpoints) {
    std::vector<ScoredWeights> rows;
    // One bad checkpoint does not cost the others.
    const int error = run_program("saluevaluate", [&] {
      rows = score_checkpoint(path, options);
      return 0;
    });
    if (first_error == 0) first_error = error;
    if (error != 0) continue;
    for (ScoredWeights& s : rows) {
      describe(s);
      scored.push_back(std::move(s));
    }
    write_results(options, scored);
  }
  if (scored.empty()) return first_error;
  write_reports(options, scored);
  print_results(options, scored);
  return first_error;
}

int predict_main(const Arguments& arguments) {
  PredictOptions options;
  if (!read_options(options, arguments)) return 0;
  set_num_threads(options.scoring.threads);
  options.scoring.placement = open_device(options.scoring.device);
  const std::vector<Prediction> predictions = predict_images(options);
  if (options.json) {
    fmt::print("{}\n", prediction_json(predictions, options.output_type).dump(2));
  } else {
    fmt::print("{}", prediction_text(predictions, options.label_type));
  }
  return 0;
}

int export_main(const Arguments& arguments) {
  ExportOptions options;
  if (!read_options(options, arguments)) return 0;
  const ScoringModel scoring = open_scoring_model(options.checkpoint, options.scoring);
  scoring.say_which_weights();
  const Weights& weights = scoring.weights.front();
  if (const std::string bad = first_non_finite(weights.tensors); !bad.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: tensor {} holds NaN or Inf; expected finite weights. Export another epoch", options.checkpoint,
         escaped(bad));
  }
  replace_file(real_files(), options.output, onnx_model(*scoring.model, scoring.card, options.batch_size));
  fmt::print("{}: {} weights of {}\n", shown(options.output), weights.kind, scoring.description());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return salu::run_program("saluevaluate", [&] {
    const Arguments arguments{argv + 1, argv + argc};
    const std::string command = arguments.empty() ? "" : arguments[0];
    if (command == "predict") return predict_main({arguments.begin() + 1, arguments.end()});
    if (command == "export") return export_main({arguments.begin() + 1, arguments.end()});
    return evaluate_main(arguments);
  });
}
