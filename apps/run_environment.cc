// SPDX-License-Identifier: MIT
#include "apps/run_environment.h"

#include <ctime>

#include "apps/revision.h"
#include "cuda/cuda.h"

namespace salu {
namespace {

/// As one would type it: words that a shell would take apart stand in quotes.
std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "salutrain";
  for (const std::string& word : arguments) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-+=./,:@%") == word.npos;
    line += ' ';
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace

nlohmann::json describe_start(const TrainOptions& options, const Trainer& trainer, int ranks) {
  nlohmann::json start = describe_machine();
  start["salunet"] = SALU_VERSION;
  start["revision"] = kRevision;
  start["started"] = utc_time(std::time(nullptr));
  start["step"] = trainer.step();
  start["ranks"] = ranks;
  start["command"] = command_line(options.arguments);
  start["device"] = describe_placement(trainer.model_config().placement, options.device);
  start["devices"] = cuda::describe();
  return start;
}

}  // namespace salu
