// SPDX-License-Identifier: MIT
#include "bench/gpu_shapes.h"

#include <fmt/format.h>

#include <set>

namespace salu::bench {
namespace {

/// Grows a list of convolutions, each on the output of the one before.
class Chain {
 public:
  Chain(Shape input, std::vector<ConvolutionShape>& out) : at_(input), out_(out) {}
  Chain& add(std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
    out_.push_back({at_, {channels, kernel, kernel, at_[3]}, {stride, kernel / 2}});
    at_ = out_.back().y();
    return *this;
  }
  const Shape& at() const { return at_; }

 private:
  Shape at_;
  std::vector<ConvolutionShape>& out_;
};

}  // namespace

std::string ConvolutionShape::name() const {
  return fmt::format("{}x{} {}->{}{} @{}", w[1], w[2], w[3], w[0],
                     options.stride > 1 ? fmt::format(" s{}", options.stride) : "", x[1]);
}

std::vector<ConvolutionShape> resnet_convolutions(bool bottleneck, std::int64_t batch,
                                                  std::int64_t img_size) {
  const bool large = img_size > 64;
  const std::vector<int> depths = bottleneck ? std::vector{3, 4, 6, 3} : std::vector{2, 2, 2, 2};
  std::vector<ConvolutionShape> out;
  Shape at = Chain({batch, img_size, img_size, 3}, out).add(64, large ? 7 : 3, large ? 2 : 1).at();
  if (large) at = {batch, (at[1] + 1) / 2, (at[2] + 1) / 2, 64};  // the pool
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    const std::int64_t width = std::int64_t{64} << stage, outer = bottleneck ? 4 * width : width;
    for (int i = 0; i < depths[stage]; ++i) {
      const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      Chain branch(at, out);
      if (bottleneck) {
        branch.add(width, 1, 1).add(width, 3, stride).add(outer, 1, 1);
      } else {
        branch.add(width, 3, stride).add(width, 3, 1);
      }
      if (stride != 1 || at[3] != outer) Chain(at, out).add(outer, 1, stride);
      at = branch.at();
    }
  }
  return out;
}

std::vector<ConvolutionShape> without_repeats(const std::vector<ConvolutionShape>& all) {
  std::set<std::string> seen;
  std::vector<ConvolutionShape> out;
  for (const ConvolutionShape& c : all) {
    if (seen.insert(c.name()).second) out.push_back(c);
  }
  return out;
}

std::vector<ProductShape> vit_products(std::int64_t batch) {
  constexpr std::int64_t kTokens = 65, kWidth = 384, kDepth = 7;
  const std::int64_t rows = batch * kTokens;
  std::vector<ProductShape> out{{batch * (kTokens - 1), kWidth, 48}};  // the patches
  for (std::int64_t i = 0; i < kDepth; ++i) {
    out.push_back({rows, 3 * kWidth, kWidth});                          // q, k, v
    for (int j = 0; j < 3; ++j) out.push_back({rows, kWidth, kWidth});  // projection, MLP in, MLP out
  }
  out.push_back({batch, 10, kWidth});
  return out;
}

}  // namespace salu::bench
