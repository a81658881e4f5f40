// SPDX-License-Identifier: MIT
/// Would a convolution fused with its activation pay? Prints, for each candidate, the time of the fused
/// graph, of the convolution alone, and the difference: what our own activation kernel, which reads the
/// convolution's output from memory, has to stay under for the fusion not to pay.
///
///   bench_fused [PART-OF-A-NAME]
#include <fmt/format.h>

#include "core/error.h"
#include "cuda/library/fused.h"
#include "cuda/library/handles.h"
#include "cuda/library/measure.h"
#include "cuda/runtime.h"

namespace salu::cuda {
namespace {

double microseconds(const OperationGraph& graph, const Target& target) {
  const auto plans = allowed_plans(graph, target, {.workspace = kWorkspaceBytes});
  if (plans.empty()) fail(ErrorCode::environment, "[cudnn] no plan for {}", graph.text());
  return fastest_plan(graph, plans).microseconds;
}

void measure(const std::string& part) {
  use_device(0);
  const Target target = Target::device(0);
  fmt::print("{:<48} {:>10} {:>12} {:>12}\n", "graph", "fused, us", "alone, us", "budget, us");
  for (const FusedCandidate& candidate : fused_candidates()) {
    if (candidate.name.find(part) == std::string::npos) continue;
    try {
      const double fused = microseconds(fused_graph(candidate).graph, target);
      const double alone = microseconds(convolution_alone(candidate).graph, target);
      fmt::print("{:<48} {:10.1f} {:12.1f} {:12.1f}\n", candidate.name, fused, alone, fused - alone);
    } catch (const Error& e) {
      fmt::print("{:<48} {}\n", candidate.name, e.what());
    }
  }
}

}  // namespace
}  // namespace salu::cuda

int main(int argc, char** argv) {
  try {
    salu::cuda::measure(argc > 1 ? argv[1] : "");
    return 0;
  } catch (const salu::Error& e) {
    fmt::print(stderr, "bench_fused: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
