// SPDX-License-Identifier: MIT
/// saluevaluate: scores checkpoints, and classifies single images. Results go to stdout.
#include "apps/cli.h"
#include "core/parallel.h"
#include "run/interchange/onnx_export.h"
#include "score/results.h"
#include "score/score_settings.h"

namespace {

using namespace salu;

constexpr Program kEvaluate{
    "saluevaluate", "Scores checkpoints; preprocessing comes from the checkpoint.",
    "\nsaluevaluate predict CHECKPOINT IMAGE... classifies images.\n"
    "saluevaluate export CHECKPOINT --output FILE writes an ONNX file.\n"
    "\nExamples:\n"
    "  saluevaluate runs/20260801-101500-salunet_c8-32\n"
    "  saluevaluate runs/a/best runs/b/best --data-dir DIR --results-file scores.csv\n"
    "  saluevaluate timm_resnet50 --data-dir imagenet --img-size 288 --crop-pct 1 --tta hflip\n"
    "  saluevaluate runs/a --metrics-avg macro --report runs/a/report\n"};
constexpr Program kPredict{"saluevaluate predict",
                           "Classifies images; preprocessing comes from the checkpoint.",
                           "\nExamples:\n"
                           "  saluevaluate predict runs/a/best cat.jpg dog.png\n"
                           "  saluevaluate predict timm_vit *.jpg --topk 3 --json\n"};
constexpr Program kExport{
    "saluevaluate export", "Writes a network as an ONNX file.",
    "\nThe input takes normalised pixels (N,3,S,S); mean, std and class names are in the metadata.\n"
    "\nExamples:\n"
    "  saluevaluate export runs/a/best --output a.onnx\n"
    "  saluevaluate export timm_vit --output vit.onnx --img-size 384 --batch-size 1\n"};

void print_results(const EvaluateOptions& options, const std::vector<ScoredWeights>& scored) {
  if (options.json) {
    fmt::print("{}\n", results_json(scored).dump(2));
    return;
  }
  fmt::print("{}", result_table(scored, options.average.has_value()));
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
      fmt::print(" * ReaL@1 {:.3f} ReaL@5 {:.3f} of {} images\n", real->top1(), real->top5(), real->samples);
    }
  }
}

/// Called after every checkpoint, so that an interrupted list keeps its results.
void write_results(const EvaluateOptions& options, const std::vector<ScoredWeights>& scored) {
  if (options.results_file.empty()) return;
  const bool json = options.results_file.extension() == ".json";
  replace_file(real_files(), options.results_file,
               json ? results_json(scored).dump(2) + "\n" : results_csv(scored));
}

/// A single result goes into the folder itself, several into a sub-folder each.
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
    tell(fmt::format("saluevaluate: warning: {}: tensor {} holds NaN or Inf", shown(s.path), s.non_finite));
  }
  tell(fmt::format("{} ({}): {} images of {}: {}", shown(s.path), s.weights, s.result.samples,
                   escaped(s.dataset), s.description));
}

int evaluate_main(const Arguments& arguments) {
  EvaluateOptions options;
  if (!read_arguments(kEvaluate, evaluate_settings(options), arguments)) return 0;
  check_options(options);
  set_num_threads(options.scoring.threads);
  options.scoring.placement = open_device(options.scoring.device);
  if (options.results_file.has_parent_path()) real_files().make_folders(options.results_file.parent_path());
  if (!options.report.empty()) real_files().make_folders(options.report);
  std::vector<ScoredWeights> scored;
  int first_error = 0;
  for (const std::string& path : options.checkpoints) {
    std::vector<ScoredWeights> rows;
    // Continues with the other checkpoints after an error.
    const int error = exit_code_of("saluevaluate", [&] {
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
  if (!read_arguments(kPredict, predict_settings(options), arguments)) return 0;
  check_options(options);
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
  if (!read_arguments(kExport, export_settings(options), arguments)) return 0;
  check_options(options);
  const ScoringModel scoring = open_scoring_model(options.checkpoint, options.scoring);
  scoring.say_which_weights();
  const Weights& weights = scoring.weights.front();
  if (const std::string bad = first_non_finite(weights.tensors); !bad.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: tensor {} holds NaN or Inf; expected finite weights. Export another epoch", options.checkpoint,
         bad);
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
