// SPDX-License-Identifier: MIT
#include "apps/run_environment.h"

#include <ctime>

#include "apps/revision.h"
#include "core/gpu.h"
#include "core/text.h"

namespace salu {
namespace {

std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "salutrain";
  for (const std::string& word : arguments) line += ' ' + shell_word(word);
  return line;
}

}  // namespace

nlohmann::json describe_start(const TrainOptions& options, const TrainingRun& trainer, int ranks) {
  nlohmann::json start = describe_machine();
  start["salunet"] = SALU_VERSION;
  start["revision"] = kRevision;
  start["started"] = utc_time(std::time(nullptr));
  start["step"] = trainer.step();
  start["ranks"] = ranks;
  start["command"] = command_line(options.arguments);
  start["device"] = describe_placement(trainer.model_config().placement, options.device);
  start["devices"] = gpu::describe();
  return start;
}

}  // namespace salu
