// SPDX-License-Identifier: MIT
/// salutrain: trains a network. `salutrain pack` and `salutrain verify` handle data sets, `salutrain report`
/// a run.
#include "apps/data_commands.h"
#include "apps/train_command_line.h"
#include "core/gpu.h"
#include "core/parallel.h"
#include "data/codecs.h"
#include "run/dry_run.h"
#include "run/environment.h"
#include "run/report/run_report.h"
#include "run/run_start.h"
#include "run/train_command.h"
#include "run/trials.h"
#include "train/signals.h"

namespace {

using namespace salu;

int print_models() {
  for (const std::string& name : model_names()) {
    const std::string aliases = aliases_of(name);
    fmt::print("{}{}\n", name, aliases.empty() ? "" : " (" + aliases + ")");
  }
  return 0;
}

int print_check(const DeviceOptions& device) {
  fmt::print("{}\n{}", describe_build(), describe_system());
  const SelfTest test = test_device(device);
  fmt::print("{}", test.text);
  return test.good ? 0 : static_cast<int>(ErrorCode::environment);
}

int print_summary(const TrainConfig& config) {
  const RunStart start = run_start(config);
  fmt::print("{}", summary_table(*start.model, start.card.model));
  return 0;
}

int write_preview(const TrainOptions& options) {
  const std::vector<std::uint8_t> png = encode_png(augmentation_preview(options.config));
  replace_file(real_files(), options.aug_preview, {reinterpret_cast<const char*>(png.data()), png.size()});
  fmt::print("{}\n", shown(options.aug_preview));
  return 0;
}

int print_benchmark(TrainOptions o) {
  set_num_threads(o.config.threads);
  o.config.model.placement = open_device(o.device);
  if (o.profile) o.config.step.record = false;  // a replayed step has no ops to profile
  const BenchmarkResult result = run_benchmark(o.config, o.benchmark, o.profile);
  fmt::print("{}", (o.json ? benchmark_json : benchmark_text)(o.config, o.device, result));
  return 0;
}

void require_one_process(const char* flag) {
  if (launched_ranks() > 1) fail(ErrorCode::usage, "{}: expected one process, not mpirun", flag);
}

int print_overfit(TrainOptions o) {
  require_one_process("--overfit-batch");
  set_num_threads(o.config.threads);
  o.config.model.placement = open_device(o.device);
  const std::int64_t every = std::max<std::int64_t>(1, o.overfit_batch / 10);
  fmt::print("{}", learn_by_heart(o.config, o.overfit_batch, [&](std::int64_t step, double loss) {
               if (step == 1 || step % every == 0) fmt::print("step {}  loss {:.4f}\n", step, loss);
             }));
  return 0;
}

int print_dry_run(const TrainOptions& options) {
  require_one_process("--dry-run");
  set_num_threads(options.config.threads);
  const std::optional<std::string> text = dry_run(options);
  if (!text) return 128 + stop_signal();
  fmt::print("{}", *text);
  return 0;
}

int report_command(const Arguments& arguments) {
  constexpr Program kReport{"salutrain report",
                            "Writes RUN/report.html: curves, SALU geometry, confusions, the worst images.",
                            "\nExamples:\n"
                            "  salutrain report runs/20260801-101500-salunet_c8-32\n"
                            "  salutrain report runs/a --data-dir DIR --num-samples 2000\n"};
  ReportOptions o;
  int threads = 0;
  Settings table;
  table.add("RUN", o.run, "the folder of a run, finished or in progress").positional().required();
  table.add("data-dir", o.data_dir, "where its data set lies; as in training by default");
  table.add("num-samples", o.num_samples, "score only so many images, 0: those of the run",
            from(0, kMaxCount));
  table.add("scores", o.scores, "--no-scores: curves only, no data set needed");
  add_threads_setting(table, threads);
  add_device_settings(table, o.device);
  if (!read_arguments(kReport, table, arguments)) return 0;
  set_num_threads(threads);
  fmt::print("{}\n", shown(report_on(o)));
  return 0;
}

int train_command(const Arguments& arguments) {
  const std::optional<TrainOptions> o = read_train_command_line(arguments);
  if (!o) return 0;
  if (o->list_models) return print_models();
  if (o->print_config) return fmt::print("{}", o->resolved_toml), 0;
  if (o->check) return print_check(o->device);
  if (!o->aug_preview.empty()) return write_preview(*o);
  if (o->benchmark > 0) return print_benchmark(*o);
  if (o->overfit_batch > 0) return print_overfit(*o);
  if (o->dry_run) return print_dry_run(*o);
  return o->summary ? print_summary(o->config) : run_training(*o);
}

}  // namespace

int main(int argc, char** argv) {
  return salu::run_program("salutrain", [&] {
    Arguments arguments(argv + 1, argv + argc);
    const std::string command = arguments.empty() ? "" : arguments.front();
    const Arguments rest(argv + std::min(argc, 2), argv + argc);
    if (command == "pack") return pack_command(rest);
    if (command == "verify") return verify_command(rest);
    if (command == "report") return report_command(rest);
    return train_command(arguments);
  });
}
