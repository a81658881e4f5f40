// SPDX-License-Identifier: MIT
/// The command line and the configuration file of salutrain.
#include <sstream>

#include "apps/train_command_line.h"
#include "tests/fuzz/fuzz.h"
#include "tests/temp_folder.h"

namespace salu::fuzz {
namespace {

constexpr std::string_view kConfigBelow = "\n---\n";

std::vector<Bytes> option_seeds() {
  return {
      bytes_of("--dataset\nshapes\n--model\nsalunet_c8\n--epochs=3\n-b\n32"),
      bytes_of("--lr\n0.1\n--opt\nsgd\n--sched\nmultistep\n--decay-milestones\n1,2.5\n--scale\n0.2\n0.9"),
      bytes_of("--aa\nrand-m9-mstd0.5-inc1\n--mixup\n0.2\n--cutmix-minmax\n0.1,0.5\n--mean\n0.5\n0.5\n0.5"),
      bytes_of("--no-aug\n--seed\n7\n---\nlr=0.1\nmodel=\"salunet_t\"\nscale=[0.25, 0.5]\n# a comment\nratio "
               "= [1, 2]\n"),
      bytes_of("-q\n---\n[section]\nepochs=3\nbce-loss=true\naa='ta_wide'\nmean=[0.1,\n0.2, 0.3]\n"),
      bytes_of("--dataset\nfolder\n--data-dir\na#b, 'c'\n--output\nd\"e"),
      bytes_of("\n---\nepochs=5\nbatch-size=0x10\ndataset=\"sh\\\"apes\"\n"),
      bytes_of("--no-aug\n--no-nesterov\n--graph\nfalse\n---\nbce-loss = true\naa = 'ta_wide'\nmean = "
               "[0.1,\n0.2, # red\n0.3]\n"
               "data-dir = \"a\\u00e4\\n'\"\nsmoothing = 1e-1\n"),
      bytes_of("\n---\ndataset=\"shapes\"\nhflip=.5\nnesterov=1\ndata-dir=\"a\\b\"\nno-aug=false\nopt-betas=["
               ".9, 0.99]\nrank-timeout=60\n")};
}

}  // namespace

/// Arguments, one per line; below a line of three dashes, the configuration file.
void fuzz_options(std::span<const std::uint8_t> input) {
  static const test::TempFolder folder;
  std::string text = text_of(input);
  std::vector<std::string> arguments;
  if (const std::size_t split = text.find(kConfigBelow); split != std::string::npos) {
    test::put(folder / "c.toml", text.substr(split + kConfigBelow.size()));
    arguments = {"-c", (folder / "c.toml").string()};
    text.resize(split);
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) arguments.push_back(line);
  const auto options = read_train_command_line(arguments);
  if (!options) return;  // help was asked for
  const TrainConfig& c = options->config;
  require(c.epochs > 0 && c.batch_size > 0 && c.schedule.lr > 0 && c.augmentation.hflip >= 0 &&
              c.augmentation.hflip <= 1,
          "a setting out of range");
  // Every setting as it is used is a configuration file that gives these settings again.
  test::put(folder / "again.toml", options->resolved_toml);
  const auto again = read_train_command_line({"-c", (folder / "again.toml").string()});
  require(again && again->resolved_toml == options->resolved_toml, "the resolved settings do not come back");
}

std::vector<Target> option_targets() {
  return {{"options",
           fuzz_options,
           {ErrorCode::usage, ErrorCode::checkpoint},
           option_seeds,
           nullptr,
           {"\n",
            "\n---\n",
            "--epochs\n",
            "--lr\n",
            "-b",
            "--aa\n",
            "--",
            "=",
            "nan",
            "inf",
            "-1",
            "1e400",
            "0x7f",
            "\"",
            "[",
            "]",
            "{}",
            "''",
            "#",
            "--mean\n1\n2\n3",
            "--resume\n",
            "-c\n",
            "--help",
            "--version",
            "rand-m9",
            "-n2-",
            "\nmodel=",
            "\nlr=1\n",
            "true",
            "\xff",
            "--decay-milestones\n",
            "--img-size\n",
            "--device\n",
            "--summary",
            "--no-",
            "\\u0041",
            "\"\"\"",
            "[[",
            "\ndataset=\"shapes\"\n"}}};
}

}  // namespace salu::fuzz
