// SPDX-License-Identifier: MIT
/// saluevaluate: scores checkpoints. Results go to stdout.
#include "apps/cli.h"
#include "apps/evaluate.h"
#include "core/parallel.h"

namespace {

using namespace salu;

bool read_options(EvaluateOptions& o, const std::vector<std::string>& arguments) {
  CLI::App app("Scores checkpoints; preprocessing comes from the checkpoint.", "saluevaluate");
  const auto add = [&](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  add(app.add_option("checkpoints", o.checkpoints, "run folders, checkpoint folders or .safetensors files"));
  add(add_optional(app, "--dataset", o.dataset,
                   "shapes, cifar10, cifar100, folder, packed; that of training by default"));
  add(app.add_option("--data-dir", o.data_dir, "where the data set lies"));
  add(app.add_option("-b,--batch-size", o.batch_size, "pictures per step; the result does not depend on it")
          ->check(whole_number(1, 1048576)));
  add(app.add_option("--num-samples", o.num_samples, "score only so many pictures, 0: all")
          ->check(whole_number(0, 1LL << 40)));
  add(app.add_option("--threads", o.threads, "CPU threads, 0: all cores")->check(whole_number(0, 1024)));
  add(app.add_option("-j,--workers", o.workers, "loader threads")->check(whole_number(0, 256)));
  add(app.add_flag("--use-ema", o.use_ema, "score the averaged weights"));
  add(app.add_flag("--per-class", o.per_class, "accuracy of each class (always in the JSON)"));
  add(app.add_flag("--json", o.json, "JSON on stdout: an object, or an array for several checkpoints"));
  add_device_options(app, o.device);
  finish_app(app,
             "\nExamples:\n"
             "  saluevaluate runs/20260801-101500-salunet_c8-32\n"
             "  saluevaluate runs/a/best runs/b/best --data-dir DIR --per-class\n"
             "  saluevaluate runs/a --json\n");
  if (!parse_arguments(app, arguments)) return false;
  if (o.checkpoints.empty()) fail(ErrorCode::usage, "no checkpoint given; expected at least one. See --help");
  return true;
}

void print_results(const EvaluateOptions& options, const std::vector<ScoredCheckpoint>& scored) {
  if (options.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const ScoredCheckpoint& s : scored) all.push_back(result_json(s));
    fmt::print("{}\n", (scored.size() == 1 ? all[0] : all).dump(2));
    return;
  }
  fmt::print("{}", result_table(scored));
  for (const ScoredCheckpoint& s : scored) {
    if (options.per_class) fmt::print("\n{}", class_table(s));
  }
  if (scored.size() == 1) {
    const EvalResult& r = scored[0].result;
    fmt::print(" * Acc@1 {:.3f} ({:.3f}) Acc@5 {:.3f} ({:.3f})\n", r.top1(), 100 - r.top1(), r.top5(),
               100 - r.top5());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return salu::run_program("saluevaluate", [&] {
    EvaluateOptions options;
    if (!read_options(options, {argv + 1, argv + argc})) return 0;
    set_num_threads(options.threads);
    options.placement = open_device(options.device);
    std::vector<ScoredCheckpoint> scored;
    for (const std::string& path : options.checkpoints) {
      scored.push_back(score_checkpoint(path, options));
      const ScoredCheckpoint& s = scored.back();
      if (!s.non_finite.empty()) {
        fmt::print(stderr, "saluevaluate: warning: {}: tensor {} holds NaN or Inf\n", s.path, s.non_finite);
      }
      fmt::print(stderr, "{}: {} on {} pictures of {}, {}x{}, crop {}, mean {} {} {}, std {} {} {}\n", s.path,
                 s.card.model.name, s.result.samples, s.dataset, s.card.model.img_size, s.card.model.img_size,
                 s.card.crop_pct, s.card.mean[0], s.card.mean[1], s.card.mean[2], s.card.std[0],
                 s.card.std[1], s.card.std[2]);
    }
    print_results(options, scored);
    return 0;
  });
}
