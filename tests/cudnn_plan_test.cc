// SPDX-License-Identifier: MIT
/// cuDNN's plans of the networks for an H200, made on a machine without a GPU. The test uses the wrapper of
/// the programs and the description of the device in data/h200.json.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "core/ops/conv2d.h"
#include "cuda/library/fused.h"
#include "cuda/library/handles.h"
#include "models/model.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

using namespace cuda;

constexpr ConvolutionPass kPasses[] = {ConvolutionPass::forward, ConvolutionPass::backward_data,
                                       ConvolutionPass::backward_weight};

const Target& h200() {
  static const Target target = [] {
    std::ifstream file(SALU_TEST_DATA "/h200.json");
    std::stringstream text;
    text << file.rdbuf();
    return Target::described(text.str());
  }();
  return target;
}

struct Convolution {
  Shape x, w;
  Conv2dOptions options;

  std::string text() const {
    return fmt::format("x {} w {} stride {} padding {}", x.str(), w.str(), options.stride, options.padding);
  }
  OperationGraph graph(ConvolutionPass pass, DType dtype) const {
    return convolution_graph({pass, dtype, x, w, options}).graph;
  }
};

std::vector<Convolution> seen;

/// Takes the place of the convolution on the CPU: looks, and computes nothing.
void look(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  seen.push_back({x.shape(), w.shape(), options});
  y.fill(0);
}

/// The distinct convolutions of one forward pass, in order, for batches of `batch`.
std::vector<Convolution> convolutions_of(const std::string& model, std::int64_t size, std::int64_t batch) {
  const Conv2dKernels real = conv2d_kernels;
  conv2d_kernels.forward.set(DeviceType::cpu, look);
  seen.clear();
  ModelConfig config;
  config.name = model;
  config.img_size = size;
  Context context;
  make_model(config)->forward(Variable(Tensor::zeros({1, size, size, 3})), context);
  conv2d_kernels = real;
  std::vector<Convolution> distinct;
  std::set<std::string> known;
  for (const Convolution& c : seen) {
    if (known.insert(c.text()).second) distinct.push_back({c.x.with(0, batch), c.w, c.options});
  }
  return distinct;
}

/// The rules of cuda/library/convolution.cc for f32 without TF32, and for bf16.
PlanRules rules(DType dtype) { return {.tensor_cores = dtype == DType::bf16, .workspace = kWorkspaceBytes}; }

std::size_t plan_count(const Convolution& c, ConvolutionPass pass, DType dtype, const PlanRules& r) {
  return allowed_plans(c.graph(pass, dtype), h200(), r).size();
}

TEST_CASE("every convolution of the networks has plans on an H200, in bf16 and in full f32") {
  struct Expected {
    const char* model;
    std::int64_t size, batch;
    std::size_t distinct;
  };
  // ResNet-18: stem, the first stage's 3x3, and per later stage shortcut, 3x3 at stride 2 and 3x3. ResNet-50:
  // stem, four in the first stage, and per later stage shortcut, two 1x1 that narrow, one that widens and two
  // 3x3. The transformer cuts its patches without a convolution.
  for (const Expected& e : {Expected{"salunet_c18", 32, 128, 2 + 3 * 3},
                            {"salunet_c50", 224, 256, 1 + 4 + 3 * 6},
                            {"salunet_t", 32, 128, 0}}) {
    INFO(e.model);
    const std::vector<Convolution> all = convolutions_of(e.model, e.size, e.batch);
    CHECK(all.size() == e.distinct);
    for (const Convolution& c : all) {
      for (const ConvolutionPass pass : kPasses) {
        INFO(c.text() << " pass " << static_cast<int>(pass));
        // Twelve of the heuristics' ranking and the fallback. Full f32 has few engines.
        CHECK(plan_count(c, pass, DType::bf16, rules(DType::bf16)) > 12);
        CHECK(plan_count(c, pass, DType::f32, rules(DType::f32)) >= 2);
      }
    }
  }
}

TEST_CASE("a stem of eight channels needs no workspace, of three it needs hundreds of megabytes") {
  const auto first_workspace = [](std::int64_t channels, ConvolutionPass pass) {
    const Convolution stem{{512, 224, 224, channels}, {64, 7, 7, channels}, {2, 3}};
    PlanRules any = rules(DType::bf16);
    any.workspace = std::int64_t{1} << 40;
    return allowed_plans(stem.graph(pass, DType::bf16), h200(), any).at(0).workspace();
  };
  CHECK(first_workspace(8, ConvolutionPass::forward) == 0);
  CHECK(first_workspace(3, ConvolutionPass::forward) > 400'000'000);
  CHECK(first_workspace(8, ConvolutionPass::backward_weight) < 10'000'000);
  CHECK(first_workspace(3, ConvolutionPass::backward_weight) > 400'000'000);
}

TEST_CASE("the rules keep plans out") {
  const Convolution c{{128, 32, 32, 64}, {64, 3, 3, 64}, {1, 1}};
  const auto count = [&](DType dtype, auto&& change) {
    PlanRules r = rules(dtype);
    r.most = 1000;
    change(r);
    return plan_count(c, ConvolutionPass::backward_data, dtype, r);
  };
  const std::size_t strict = count(DType::f32, [](PlanRules&) {});
  CHECK(count(DType::f32, [](PlanRules& r) { r.deterministic = false; }) > strict);
  CHECK(count(DType::f32, [](PlanRules& r) { r.tensor_cores = true; }) > strict + 10);
  const std::size_t without = count(DType::f32, [](PlanRules& r) { r.workspace = 0; });
  CHECK(without > 0);
  CHECK(without < strict);
  const std::size_t all = count(DType::bf16, [](PlanRules&) {}),
                    three = count(DType::bf16, [](PlanRules&r) { r.most = 3; });
  CHECK(all > 12);
  CHECK(three >= 3);
  CHECK(three < all);
}

TEST_CASE("a plan comes back from its text") {
  const Convolution c{{3, 9, 7, 5}, {6, 3, 3, 5}, {2, 1}};
  const auto plans =
      allowed_plans(c.graph(ConvolutionPass::forward, DType::bf16), h200(), rules(DType::bf16));
  REQUIRE(!plans.empty());
  for (const Plan& plan : plans) {
    const Plan restored(plan.json(), h200());
    CHECK(restored.workspace() == plan.workspace());
    CHECK(restored.json() == plan.json());
  }
  const std::string text = plans[0].json();
  for (const std::string& damaged : {std::string(), std::string("{}"), text.substr(0, text.size() / 2)}) {
    CHECK_THAT(error_of([&] { Plan(damaged, h200()); }), Catch::Matchers::StartsWith("5: [cudnn] "));
  }
}

TEST_CASE("a device is described in words, and bad words are refused") {
  CHECK(contains(h200().json(), "NVIDIA H200"));
  CHECK(contains(Target::described(h200().json()).json(), "NVIDIA H200"));
  CHECK_THAT(error_of([] { Target::described("{\"deviceVer\": "); }),
             Catch::Matchers::StartsWith("5: [cudnn] cannot read the description of a device: "));
}

TEST_CASE("the text of a graph tells all graphs apart") {
  const Convolution base{{2, 8, 8, 16}, {16, 3, 3, 16}, {1, 1}};
  std::set<std::string> texts;
  int graphs = 0;
  const auto add = [&](const Convolution& c) {
    for (const ConvolutionPass pass : kPasses) {
      for (const DType dtype : {DType::f32, DType::bf16}) {
        texts.insert(c.graph(pass, dtype).text());
        ++graphs;
      }
    }
  };
  add(base);
  add({{3, 8, 8, 16}, base.w, base.options});
  add({base.x, {32, 3, 3, 16}, base.options});
  add({base.x, base.w, {2, 1}});
  add({base.x, base.w, {1, 0}});
  CHECK(texts.size() == static_cast<std::size_t>(graphs));
  const auto again = base.graph(ConvolutionPass::forward, DType::f32);
  CHECK(texts.count(again.text()) == 1);
}

TEST_CASE("what cuDNN cannot do is refused") {
  CHECK(error_of([] {
          OperationGraph().tensor({1, 2, 3, 4}, DType::f64);
        }) == "1: [cudnn] expected dtype f32 or bf16, got f64");
  CHECK(error_of([] {
          OperationGraph().tensor({2, 3}, DType::f32);
        }) == "1: [cudnn] expected rank 4, got (2,3)");
  // Why weight gradients of bf16 take a detour: an f32 result is not offered.
  OperationGraph graph;
  const GraphTensor x = graph.tensor({8, 16, 16, 64}, DType::bf16);
  const GraphTensor dy = graph.tensor({8, 16, 16, 64}, DType::bf16);
  const GraphTensor dw = graph.tensor({64, 3, 3, 64}, DType::f32);
  graph.conv2d_backward_weight(dw, dy, x, {1, 1}, false);
  graph.finish();
  CHECK(allowed_plans(graph, h200(), rules(DType::bf16)).empty());
}

/// True when cuDNN compiles code for one of its candidates.
bool compiles(const FusedCandidate& candidate) {
  const FusedGraph f = fused_graph(candidate);
  const auto offered = candidates(f.graph, h200(), Heuristics::ranked);
  return std::ranges::any_of(offered, [](const Candidate& c) {
    return PlanAttempt(c, h200()).outcome != PlanAttempt::Outcome::refused;
  });
}

TEST_CASE("a convolution with SALU and SWALU behind it compiles, and backward with four sums", "[compiled]") {
  for (const Fusion fusion : {Fusion::salu_swalu, Fusion::salu_swalu_backward}) {
    CHECK(compiles({"", fusion, {8, 4, 4, 64}, {64, 3, 3, 64}, {1, 1}}));
  }
}

TEST_CASE("every fused candidate compiles", "[compiled][long]") {
  for (const FusedCandidate& candidate : fused_candidates()) {
    INFO(candidate.name);
    CHECK(compiles(candidate));
  }
}

TEST_CASE("a fused backward with sums does not compile at stride 2", "[compiled][long]") {
  for (const Fusion fusion : {Fusion::salu_backward, Fusion::salu_swalu_backward}) {
    CHECK(!compiles({"", fusion, {512, 32, 32, 64}, {128, 3, 3, 64}, {2, 1}}));
  }
}

}  // namespace
}  // namespace salu::test
