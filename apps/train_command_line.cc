// SPDX-License-Identifier: MIT
#include "apps/train_command_line.h"

#include "run/train_options.h"

namespace salu {
namespace {

constexpr Program kTrain{
    "salutrain", "Trains a network, with or without normalization layers.",
    "\nExamples:\n"
    "  salutrain --dataset shapes --model salunet_c8 --epochs 5\n"
    "  salutrain -c recipes/cifar10_c20_quick.toml --data-dir DIR\n"
    "  salutrain --resume runs/20260801-101500-salunet_c8-32\n"
    "  mpirun -n 2 salutrain --dataset shapes --model salunet_c8\n"
    "\nData sets:\n"
    "  salutrain verify DIR           what is wrong with it\n"
    "  salutrain pack DIR OUT.pack    one file, decoded and reduced, for --dataset packed\n"
    "\nRuns:\n"
    "  salutrain report RUN           one page about it, also while it goes on\n"};

}  // namespace

std::optional<TrainOptions> read_train_command_line(const Arguments& arguments) {
  TrainOptions defaults;
  auto given = parse_arguments(kTrain, train_settings(defaults), arguments);
  if (!given) return std::nullopt;
  TrainOptions options = read_train_options(std::move(*given));
  options.arguments = arguments;
  return options;
}

}  // namespace salu
