// SPDX-License-Identifier: MIT
/// What cuDNN plans for the networks on an H200, asked on a machine without a GPU: through the wrapper that
/// the programs use, with the description of the device in data/h200.json.
#include <fmt/format.h>

#include <fstream>
#include <set>
#include <sstream>

#include "core/ops/conv2d.h"
#include "cuda/library/convolution_graph.h"
#include "cuda/library/handles.h"
#include "models/model.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

using namespace cuda;

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
  std::string text() const { return fmt::format("x {} w {} stride {}", x.str(), w.str(), options.stride); }
};

std::vector<Convolution> seen;

/// Takes the place of the convolution on the CPU: looks, and computes nothing.
void look(Tensor& y, const Tensor& x, const Tensor& w, Conv2dOptions options) {
  seen.push_back({x.shape(), w.shape(), options});
  y.fill(0);
}

/// The distinct convolutions of one forward pass, in order, for another batch size than 1.
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
  for (Convolution& c : seen) {
    if (known.insert(c.text()).second) distinct.push_back({c.x.with(0, batch), c.w, c.options});
  }
  return distinct;
}
TEST_CASE("x") {
  for (auto [m, s, b] : {std::tuple{"salunet_c18", 32, 128}, std::tuple{"salunet_c50",224,256}, std::tuple{"salunet_t",32,128}}) {
    for (auto& c : convolutions_of(m, s, b)) {
      fmt::print("{}", c.text());
      for (DType d : {DType::bf16, DType::f32}) for (int p = 0; p < 3; ++p) {
         auto g = convolution_graph({static_cast<ConvolutionPass>(p), d, c.x, c.w, c.options});
         auto plans = allowed_plans(g.graph, h200(), {.tensor_cores = d == DType::bf16, .workspace = kWorkspaceBytes});
         std::int64_t least = 1LL<<40; for (auto& q : plans) least = std::min(least, q.workspace());
         fmt::print(" {} ({:.2f} MB)", plans.size(), double(least)/1e6);
      }
      fmt::print("\n"); fflush(stdout);
    }
  }
}
}  // namespace
}  // namespace salu::test
