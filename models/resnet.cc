// SPDX-License-Identifier: MIT
#include "models/resnet.h"

#include <fmt/format.h>

#include "core/choices.h"

namespace salu {
namespace {

struct ResnetConfig {
  bool bottleneck = false;
  std::vector<int> depths;           ///< blocks per stage
  std::vector<std::int64_t> widths;  ///< channels of the 3x3 convolutions per stage
  bool imagenet_stem = false;        ///< 7x7 stride 2 and max pooling, else 3x3
  std::int64_t num_classes = 10;
  NormActConfig norm_act;
  WeightInit weight_init = WeightInit::he_fan_in;
  LinearInit head_init = LinearInit::framework;
  double drop_path = 0;
  double drop = 0;
};

class Resnet : public Model {
 public:
  explicit Resnet(const ResnetConfig& config);
  Variable forward(const Variable& images, Context& context) const override;

 private:
  class Block;
  ResnetConfig config_;
  std::unique_ptr<Conv2d> stem_;
  std::unique_ptr<NormAct> stem_act_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<Linear> fc_;
};

std::string norm_name(const NormActConfig& config, int i) {
  return fmt::format("{}{}", config.norm == Norm::batchnorm ? "bn" : "norm", i);
}

/// Basic block (two 3x3) or bottleneck (1x1, 3x3, 1x1 to four times the width).
class Resnet::Block {
 public:
  Block(const Scope& scope, const ResnetConfig& config, std::int64_t in, std::int64_t width,
        std::int64_t stride, double drop_path_rate)
      : out_(config.bottleneck ? 4 * width : width), drop_path_(drop_path_rate) {
    if (config.bottleneck) {
      add(scope, config, in, width, 1, 1);
      add(scope, config, width, width, 3, stride);
      add(scope, config, width, out_, 1, 1);
    } else {
      add(scope, config, in, width, 3, stride);
      add(scope, config, width, width, 3, 1);
    }
    if (stride != 1 || in != out_) {
      const Scope downsample = scope / "downsample";
      shortcut_ = std::make_unique<Conv2d>(downsample / "0", in, out_, 1, Conv2dOptions{stride, 0},
                                           config.weight_init);
      shortcut_norm_ = make_norm(downsample / "1", out_, config.norm_act);
    }
  }

  std::int64_t out() const { return out_; }

  Variable operator()(const Variable& x, Context& context) const {
    Variable skip = x;
    if (shortcut_) skip = shortcut_norm_((*shortcut_)(x, context), context);
    Variable y = x;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) y = norm_acts_[i]((convs_[i])(y, context), context);
    y = convs_.back()(y, context);
    if (drop_path_ > 0 && context.training) {
      return norm_acts_.back().dropped(y, skip, drop_path_, context);
    }
    return norm_acts_.back()(y, skip, context);
  }

 private:
  void add(const Scope& scope, const ResnetConfig& config, std::int64_t in, std::int64_t out,
           std::int64_t kernel, std::int64_t stride) {
    const int i = static_cast<int>(convs_.size()) + 1;
    convs_.emplace_back(scope / fmt::format("conv{}", i), in, out, kernel, Conv2dOptions{stride, kernel / 2},
                        config.weight_init);
    norm_acts_.emplace_back(scope / norm_name(config.norm_act, i), scope / fmt::format("act{}", i), out,
                            config.norm_act);
  }

  std::int64_t out_;
  double drop_path_;
  std::vector<Conv2d> convs_;
  std::vector<NormAct> norm_acts_;
  std::unique_ptr<Conv2d> shortcut_;
  Pointwise shortcut_norm_;
};

Resnet::Resnet(const ResnetConfig& config) : config_(config) {
  const Scope root{store_, ""};
  std::int64_t channels = config.widths[0];
  const Conv2dOptions stem_options = config.imagenet_stem ? Conv2dOptions{2, 3} : Conv2dOptions{1, 1};
  stem_ = std::make_unique<Conv2d>(root / "conv1", 3, channels, config.imagenet_stem ? 7 : 3, stem_options,
                                   config.weight_init);
  stem_act_ = std::make_unique<NormAct>(root / norm_name(config.norm_act, 1), root / "act1", channels,
                                        config.norm_act);
  int total = 0, index = 0;
  for (const int depth : config.depths) total += depth;
  for (std::size_t stage = 0; stage < config.depths.size(); ++stage) {
    for (int i = 0; i < config.depths[stage]; ++i, ++index) {
      const double rate = total > 1 ? config.drop_path * index / (total - 1) : 0;
      blocks_.push_back(std::make_unique<Block>(root / fmt::format("layer{}", stage + 1) / std::to_string(i),
                                                config, channels, config.widths[stage],
                                                stage > 0 && i == 0 ? 2 : 1, rate));
      channels = blocks_.back()->out();
    }
  }
  fc_ = std::make_unique<Linear>(root / "fc", channels, config.num_classes, config.head_init);
}

Variable Resnet::forward(const Variable& images, Context& context) const {
  Variable x = (*stem_act_)((*stem_)(images, context), context);  // (N,H,W,3) -> (N,H,W,64)
  if (config_.imagenet_stem) {
    x = max_pool2d(x, {3, 2, 1});
    context.record({"maxpool", "MaxPool2d", x.shape(), 0, 0});
  }
  for (const auto& block : blocks_) x = (*block)(x, context);
  x = global_avg_pool(x);  // (N,h,w,C) -> (N,C)
  context.record({"avgpool", "GlobalAvgPool", x.shape(), 0, 0});
  if (config_.drop > 0 && context.training) x = dropout(x, config_.drop, context.next_key(Purpose::dropout));
  return (*fc_)(x, context);  // (N,C) -> (N,classes)
}

/// `shape` says what all networks of one architecture share.
std::unique_ptr<Model> build(const ResnetConfig& shape, bool has_stem, const ModelConfig& config,
                             const NormActConfig& pair) {
  ResnetConfig full = shape;
  full.imagenet_stem = has_stem && choice_of("--stem", kStems, stem_of(config));
  full.num_classes = config.num_classes;
  full.norm_act = pair;
  full.weight_init = weight_init_of(*config.weight_init);
  if (config.head_init) full.head_init = choice_of("--head-init", kHeadInits, *config.head_init);
  full.drop_path = config.drop_path;
  full.drop = config.drop;
  return std::make_unique<Resnet>(full);
}

Architecture architecture(const ResnetConfig& shape, bool has_stem) {
  Architecture out;
  out.build = [=](const ModelConfig& config, const NormActConfig& pair) {
    return build(shape, has_stem, config, pair);
  };
  out.settings = {"--head-init", "--weight-init", "--drop-path", "--drop"};
  if (has_stem) out.settings.emplace_back("--stem");
  // Deep stages of a bottleneck net keep their signal with S = 1.45, W = 1.
  if (shape.bottleneck) out.norm_act.stabilizer = {1.45, 1 / 1.45};
  return out;
}

}  // namespace

Architecture resnet(std::vector<int> depths) {
  return architecture({.depths = std::move(depths), .widths = {64, 128, 256, 512}}, true);
}

Architecture bottleneck_resnet(std::vector<int> depths) {
  return architecture({.bottleneck = true, .depths = std::move(depths), .widths = {64, 128, 256, 512}}, true);
}

Architecture small_resnet(std::vector<int> depths) {
  return architecture({.depths = std::move(depths), .widths = {16, 32, 64}}, false);
}

}  // namespace salu
