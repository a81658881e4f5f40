// SPDX-License-Identifier: MIT
#include "apps/data_commands.h"

#include <chrono>

#include "apps/cli.h"
#include "core/parallel.h"
#include "data/folder.h"
#include "data/pack.h"
#include "data/verify.h"

namespace salu {
namespace {

std::string counted(std::int64_t number) { return grouped(static_cast<std::uint64_t>(number)); }

/// Whole lines on stderr, one in five seconds.
class Ticker {
 public:
  Ticker(std::string action, bool quiet) : action_(std::move(action)), quiet_(quiet) {}

  void operator()(std::int64_t done, std::int64_t all) {
    const Clock::time_point now = Clock::now();
    if (quiet_ || now < next_) return;
    next_ = now + std::chrono::seconds(5);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "{} {} of {} pictures, {:.0f} img/s\n", action_, counted(done), counted(all),
               static_cast<double>(done) / seconds);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string action_;
  bool quiet_;
  Clock::time_point start_ = Clock::now(), next_ = start_ + std::chrono::seconds(5);
};

void add_split_options(CLI::App& app, DataOptions& data) {
  app.add_option("--train-split", data.train_split, "folder: where its training pictures lie")
      ->check(plain_name())
      ->group("Common")
      ->capture_default_str();
  add_optional(app, "--val-split", data.val_split,
               "folder: where those to score lie (default val, validation, valid or test)")
      ->check(plain_name())
      ->group("Common");
}

}  // namespace

int pack_command(const std::vector<std::string>& arguments) {
  DataOptions data_options;
  std::string out, bad_images = "stop";
  int size = 256, threads = 0;
  double max_bad = kMaxBadPercent;
  bool overwrite = false, quiet = false;
  CLI::App app("Writes an image folder as one file of decoded, reduced pictures.", "salutrain pack");
  const auto add = [](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  app.add_option("DIR", data_options.data_dir, "the folder above train and val")->required();
  app.add_option("OUT", out, "the file to write, such as imagenet-256.pack")->required();
  add_split_options(app, data_options);
  add(app.add_option("--size", size, "reduce longer short sides to this; nothing is cut off")
          ->check(whole_number(1, 16384)));
  add(app.add_option("--bad-images", bad_images,
                     "stop, skip: leave out unreadable pictures, up to --max-bad of them")
          ->check(CLI::IsMember({"stop", "skip"})));
  add(app.add_option("--max-bad", max_bad,
                     "skip: percent of the pictures that may be unreadable; above 0, one may be")
          ->check(real_number(0, false, 100)));
  add(app.add_option("--threads", threads, "CPU threads, 0: all cores; the file does not depend on it")
          ->check(whole_number(0, 1024)));
  add(app.add_flag("--overwrite", overwrite, "replace OUT"));
  add(app.add_flag("-q,--quiet", quiet, "nothing on stderr but errors"));
  finish_app(app,
             "\nExample:\n"
             "  salutrain pack /data/imagenet imagenet-256.pack --size 256\n"
             "  salutrain --dataset packed --data-dir imagenet-256.pack --model salunet_c50\n");
  if (!parse_arguments(app, arguments)) return 0;
  std::error_code error;
  if (std::filesystem::exists(out, error) && !overwrite) {
    fail(ErrorCode::usage, "{}: is there already; expected a new name. Or use --overwrite", escaped(out));
  }
  set_num_threads(threads);
  PackOptions options;
  options.size = size;
  options.bad_images = bad_images == "skip" ? BadImages::leave_out : BadImages::stop;
  options.max_bad_percent = max_bad;
  options.progress = Ticker("packed", quiet);
  options.report = [&](const std::string& line) {
    if (!quiet) fmt::print(stderr, "{}\n", line);
  };
  const DataSplits data = open_folder(data_options);
  const PackResult result = write_pack(data, out, options);
  fmt::print("{}: {} pictures of {} classes, {} bytes{}\n", shown(out), counted(result.images),
             data.train->class_names().size(), grouped(result.bytes),
             result.left_out ? fmt::format("; {} unreadable left out", counted(result.left_out)) : "");
  return 0;
}

int verify_command(const std::vector<std::string>& arguments) {
  DataOptions data;
  int threads = 0;
  bool all = false, quiet = false;
  CLI::App app("Reads every picture of a data set and says what is wrong with it.", "salutrain verify");
  const auto add = [](CLI::Option* option) { option->group("Common")->capture_default_str(); };
  app.add_option("DIR", data.data_dir, "the folder above train and val, or a packed file")->required();
  add_split_options(app, data);
  add(app.add_flag("--all", all, "show every finding, not the first 20 of each kind"));
  add(app.add_option("--threads", threads, "CPU threads, 0: all cores")->check(whole_number(0, 1024)));
  add(app.add_flag("-q,--quiet", quiet, "nothing on stderr but errors"));
  finish_app(app, "\nExit code 0: nothing is wrong; 3: something is.\n");
  if (!parse_arguments(app, arguments)) return 0;
  set_num_threads(threads);
  const Verification result = verify_data(data, Ticker("checked", quiet));
  fmt::print("{}: {} pictures in train, {} in evaluation, {} classes\n", shown(data.data_dir),
             counted(result.train), counted(result.eval), counted(result.classes));
  constexpr int kShown = 20;
  for (int p = 0; p < kProblems; ++p) {
    const auto problem = static_cast<Problem>(p);
    int count = 0;
    for (const Finding& finding : result.findings) {
      if (finding.problem != problem) continue;
      if (count++ < kShown || all) fmt::print("{}: {}\n", name_of(problem), finding.text);
    }
    if (count > kShown && !all) fmt::print("{}: {} more (--all)\n", name_of(problem), count - kShown);
  }
  fmt::print("{} problem{}\n", counted(static_cast<std::int64_t>(result.findings.size())),
             result.findings.size() == 1 ? "" : "s");
  return result.findings.empty() ? 0 : static_cast<int>(ErrorCode::data);
}

}  // namespace salu
