// SPDX-License-Identifier: MIT
#include "apps/data_commands.h"

#include <chrono>

#include "apps/cli.h"
#include "core/parallel.h"
#include "data/folder.h"
#include "data/pack.h"
#include "data/verify.h"
#include "run/train_settings.h"

namespace salu {
namespace {

std::string counted(std::int64_t number) { return grouped(static_cast<std::uint64_t>(number)); }

/// Progress as whole lines on stderr, one every five seconds.
class Ticker {
 public:
  Ticker(std::string action, bool quiet) : action_(std::move(action)), quiet_(quiet) {}

  void operator()(std::int64_t done, std::int64_t all) {
    const Clock::time_point now = Clock::now();
    if (quiet_ || now < next_) return;
    next_ = now + std::chrono::seconds(5);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    tell(fmt::format("{} {} of {} images, {:.0f} img/s", action_, counted(done), counted(all),
                     static_cast<double>(done) / seconds));
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string action_;
  bool quiet_;
  Clock::time_point start_ = Clock::now(), next_ = start_ + std::chrono::seconds(5);
};

constexpr Program kPack{"salutrain pack", "Writes an image folder as one file of decoded, reduced images.",
                        "\nExample:\n"
                        "  salutrain pack /data/imagenet imagenet-256.pack --size 256\n"
                        "  salutrain --dataset packed --data-dir imagenet-256.pack --model salunet_c50\n"};
constexpr Program kVerify{"salutrain verify",
                          "Reads every image of a data set and says what is wrong with it.",
                          "\nExit code 0: nothing is wrong; 3: something is.\n"};

void print_findings(const Verification& result, bool all) {
  constexpr int kShown = 20;
  for (int p = 0; p < kProblems; ++p) {
    const auto problem = static_cast<Problem>(p);
    int count = 0;
    for (const Finding& finding : result.findings) {
      if (finding.problem != problem) continue;
      if (count++ < kShown || all) fmt::print("{}: {}\n", name_of(problem), escaped(finding.text));
    }
    if (count > kShown && !all) fmt::print("{}: {} more (--all)\n", name_of(problem), count - kShown);
  }
  fmt::print("{} problem{}\n", counted(static_cast<std::int64_t>(result.findings.size())),
             result.findings.size() == 1 ? "" : "s");
}

}  // namespace

int pack_command(const std::vector<std::string>& arguments) {
  DataOptions source;
  std::filesystem::path out;
  PackOptions options;
  int threads = 0;
  bool overwrite = false, quiet = false;
  Settings table;
  table.add("DIR", source.data_dir, "the folder above train and val").positional().required();
  table.add("OUT", out, "the file to write, such as imagenet-256.pack").positional().required();
  add_folder_settings(table, source);
  table.add("size", options.size, "reduce longer short sides to this; nothing is cut off", from(1, 16384));
  add_bad_image_settings(table, options.bad_images, options.max_bad_percent);
  add_threads_setting(table, threads);
  table.add("overwrite", overwrite, "replace OUT");
  table.add("q,quiet", quiet, "nothing on stderr but errors");
  if (!read_arguments(kPack, table, arguments)) return 0;
  std::error_code error;
  if (std::filesystem::exists(out, error) && !overwrite) {
    fail(ErrorCode::usage, "{}: is there already; expected a new name. Or use --overwrite", shown(out));
  }
  set_num_threads(threads);
  options.progress = Ticker("packed", quiet);
  options.report = [&](const std::string& line) {
    if (!quiet) tell(escaped(line));
  };
  source.bad_images = options.bad_images;
  const DataSplits data = open_folder(source);
  for (const std::string& note : data.notes) options.report(note);
  const PackResult result = write_pack(data, out, options);
  fmt::print("{}: {} images of {} classes, {} bytes{}\n", shown(out), counted(result.images),
             data.train->class_names().size(), grouped(result.bytes),
             result.left_out ? fmt::format("; {} unreadable left out", counted(result.left_out)) : "");
  return 0;
}

int verify_command(const std::vector<std::string>& arguments) {
  DataOptions data;
  int threads = 0;
  bool all = false, quiet = false;
  Settings table;
  table.add("DIR", data.data_dir, "the folder above train and val, or a packed file").positional().required();
  add_folder_settings(table, data);
  table.add("all", all, "show every finding, not the first 20 of each kind");
  add_threads_setting(table, threads);
  table.add("q,quiet", quiet, "nothing on stderr but errors");
  if (!read_arguments(kVerify, table, arguments)) return 0;
  set_num_threads(threads);
  const Verification result = verify_data(data, Ticker("checked", quiet));
  fmt::print("{}: {} images in train, {} in evaluation, {} classes\n", shown(data.data_dir),
             counted(result.train), counted(result.eval), counted(result.classes));
  if (result.turned > 0) {
    fmt::print("{} with an EXIF orientation: {}\n", counted(result.turned),
               data.decode.exif == ExifOrientation::apply
                   ? "turned upright"
                   : "taken as stored; --exif-orientation apply turns them");
  }
  for (const std::string& files : result.unread) fmt::print("files of other kinds in {}\n", escaped(files));
  print_findings(result, all);
  return result.findings.empty() ? 0 : static_cast<int>(ErrorCode::data);
}

}  // namespace salu
