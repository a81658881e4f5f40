// SPDX-License-Identifier: MIT
#include "models/resnet.h"

#include <fmt/format.h>

#include "core/choices.h"

namespace salu {
namespace {

/// Properties that follow from the network's name.
struct ResnetShape {
  bool bottleneck = false;
  std::vector<int> depths;           ///< blocks per stage
  std::vector<std::int64_t> widths;  ///< channels of the 3x3 convolutions per stage
  bool has_stem_choice = true;       ///< --stem, else always 3x3
};

/// Settings shared by all layers.
struct Kind {
  bool bottleneck;
  NormActConfig norm_act;
  WeightInit weight_init;
};

class Resnet : public Model {
 public:
  Resnet(const ResnetShape& shape, const ModelConfig& config, const NormActConfig& pair);
  Variable forward(const Variable& images, Context& context) const override;

 private:
  class Block;
  bool imagenet_stem_;  ///< 7x7 stride 2 and max pooling, else 3x3
  double drop_;
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
  Block(const Scope& scope, const Kind& kind, std::int64_t in, std::int64_t width, std::int64_t stride,
        double drop_path_rate)
      : out_(kind.bottleneck ? 4 * width : width), drop_path_(drop_path_rate) {
    if (kind.bottleneck) {
      add(scope, kind, in, width, 1, 1);
      add(scope, kind, width, width, 3, stride);
      add(scope, kind, width, out_, 1, 1);
    } else {
      add(scope, kind, in, width, 3, stride);
      add(scope, kind, width, width, 3, 1);
    }
    if (stride != 1 || in != out_) {
      const Scope downsample = scope / "downsample";
      shortcut_ =
          std::make_unique<Conv2d>(downsample / "0", in, out_, 1, Conv2dOptions{stride, 0}, kind.weight_init);
      shortcut_norm_ = make_norm(downsample / "1", out_, kind.norm_act);
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
  void add(const Scope& scope, const Kind& kind, std::int64_t in, std::int64_t out, std::int64_t kernel,
           std::int64_t stride) {
    const int i = static_cast<int>(convs_.size()) + 1;
    convs_.emplace_back(scope / fmt::format("conv{}", i), in, out, kernel, Conv2dOptions{stride, kernel / 2},
                        kind.weight_init);
    norm_acts_.emplace_back(scope / norm_name(kind.norm_act, i), scope / fmt::format("act{}", i), out,
                            kind.norm_act);
  }

  std::int64_t out_;
  double drop_path_;
  std::vector<Conv2d> convs_;
  std::vector<NormAct> norm_acts_;
  std::unique_ptr<Conv2d> shortcut_;
  Pointwise shortcut_norm_;
};

Resnet::Resnet(const ResnetShape& shape, const ModelConfig& config, const NormActConfig& pair)
    : imagenet_stem_(shape.has_stem_choice && choice_of("--stem", kStems, stem_of(config))),
      drop_(config.drop) {
  const Scope root{store_, ""};
  const Kind kind{shape.bottleneck, pair, weight_init_of(*config.weight_init)};
  std::int64_t channels = shape.widths[0];
  const Conv2dOptions stem_options = imagenet_stem_ ? Conv2dOptions{2, 3} : Conv2dOptions{1, 1};
  stem_ = std::make_unique<Conv2d>(root / "conv1", 3, channels, imagenet_stem_ ? 7 : 3, stem_options,
                                   kind.weight_init);
  stem_act_ = std::make_unique<NormAct>(root / norm_name(pair, 1), root / "act1", channels, pair);
  int total = 0, index = 0;
  for (const int depth : shape.depths) total += depth;
  for (std::size_t stage = 0; stage < shape.depths.size(); ++stage) {
    for (int i = 0; i < shape.depths[stage]; ++i, ++index) {
      const double rate = total > 1 ? config.drop_path * index / (total - 1) : 0;
      blocks_.push_back(std::make_unique<Block>(root / fmt::format("layer{}", stage + 1) / std::to_string(i),
                                                kind, channels, shape.widths[stage],
                                                stage > 0 && i == 0 ? 2 : 1, rate));
      channels = blocks_.back()->out();
    }
  }
  const LinearInit head_init =
      config.head_init ? choice_of("--head-init", kHeadInits, *config.head_init) : LinearInit::framework;
  fc_ = std::make_unique<Linear>(root / "fc", channels, config.num_classes, head_init);
}

Variable Resnet::forward(const Variable& images, Context& context) const {
  Variable x = (*stem_act_)((*stem_)(images, context), context);  // (N,H,W,3) -> (N,H,W,64)
  if (imagenet_stem_) {
    x = max_pool2d(x, {3, 2, 1});
    context.record({"maxpool", "MaxPool2d", x.shape(), 0, 0});
  }
  for (const auto& block : blocks_) x = (*block)(x, context);
  x = global_avg_pool(x);  // (N,h,w,C) -> (N,C)
  context.record({"avgpool", "GlobalAvgPool", x.shape(), 0, 0});
  if (drop_ > 0 && context.training) x = dropout(x, drop_, context.next_key(Purpose::dropout));
  return (*fc_)(x, context);  // (N,C) -> (N,classes)
}

Architecture architecture(const ResnetShape& shape) {
  Architecture out;
  out.build = [=](const ModelConfig& config, const NormActConfig& pair) {
    return std::make_unique<Resnet>(shape, config, pair);
  };
  out.settings = {"--head-init", "--weight-init", "--drop-path", "--drop"};
  if (shape.has_stem_choice) out.settings.emplace_back("--stem");
  // Deep stages of a bottleneck net keep their signal with S = 1.45, W = 1.
  if (shape.bottleneck) out.norm_act.stabilizer = {1.45, 1 / 1.45};
  return out;
}

}  // namespace

Architecture resnet(std::vector<int> depths) {
  return architecture({.depths = std::move(depths), .widths = {64, 128, 256, 512}});
}

Architecture bottleneck_resnet(std::vector<int> depths) {
  return architecture({.bottleneck = true, .depths = std::move(depths), .widths = {64, 128, 256, 512}});
}

Architecture small_resnet(std::vector<int> depths) {
  return architecture({.depths = std::move(depths), .widths = {16, 32, 64}, .has_stem_choice = false});
}

}  // namespace salu
