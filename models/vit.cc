// SPDX-License-Identifier: MIT
#include "models/vit.h"

namespace salu {
namespace {

struct VitConfig {
  std::int64_t img_size = 224;
  std::int64_t patch = 16;  ///< side of a patch, in pixels
  std::int64_t depth = 12;
  std::int64_t width = 192;
  std::int64_t heads = 3;
  std::int64_t mlp = 768;
  std::int64_t num_classes = 1000;
  bool scale_by_width = false;  ///< attention by 1/sqrt(width), not of the head
  bool act_after_fc2 = false;   ///< a second activation in the MLP
  LinearInit linear_init = LinearInit::transformer;
  double token_sigma = 0.02;  ///< initial spread of the class token and the positions
  NormActConfig norm_act;
  double drop_path = 0;
  double drop = 0;
};

class Vit : public Model {
 public:
  explicit Vit(const VitConfig& config);
  Variable forward(const Variable& images, Context& context) const override;
  const char* head_name() const override { return "head"; }

 private:
  class Block;
  VitConfig config_;
  std::int64_t tokens_;  ///< without the class token
  std::unique_ptr<Linear> patch_embed_;
  Parameter *cls_token_, *pos_embed_;
  std::vector<std::unique_ptr<Block>> blocks_;
  Pointwise norm_;
  std::unique_ptr<Linear> head_;
};

/// x + attention(norm(x)), then x + mlp(norm(x)).
class Vit::Block {
 public:
  Block(const Scope& scope, const VitConfig& config, double drop_path_rate)
      : name_(scope.prefix),
        heads_(config.heads),
        width_(config.width),
        scale_(1 / std::sqrt(static_cast<double>(config.scale_by_width ? config.width
                                                                       : config.width / config.heads))),
        drop_path_(drop_path_rate),
        norm1_(make_norm(scope / "norm1", config.width, config.norm_act)),
        qkv_(scope / "attn" / "qkv", config.width, 3 * config.width, config.linear_init),
        proj_(scope / "attn" / "proj", config.width, config.width, config.linear_init),
        norm2_(make_norm(scope / "norm2", config.width, config.norm_act)),
        fc1_(scope / "mlp" / "fc1", config.width, config.mlp, config.linear_init),
        act1_(make_act(scope / "mlp" / "act1", config.norm_act)),
        fc2_(scope / "mlp" / "fc2", config.mlp, config.width, config.linear_init),
        act2_(config.act_after_fc2 ? make_act(scope / "mlp" / "act2", config.norm_act) : Pointwise{}) {}

  Variable operator()(const Variable& x, Context& context) const {
    Variable y = qkv_(norm1_(x, context), context);  // (B,T,D) -> (B,T,3D)
    y = attention(y, heads_, scale_);                // -> (B,T,D)
    const std::int64_t tokens = y.dim(1);
    context.record({name_ + ".attn", "Attention", y.shape(), 0, y.dim(0) * 2 * tokens * tokens * width_});
    const Variable z = add(x, dropped(proj_(y, context), context));
    y = act1_(fc1_(norm2_(z, context), context), context);  // (B,T,D) -> (B,T,M)
    y = fc2_(y, context);                                   // (B,T,M) -> (B,T,D)
    y = act2_(y, context);
    return add(z, dropped(y, context));
  }

 private:
  Variable dropped(const Variable& branch, Context& context) const {
    if (drop_path_ == 0 || !context.training) return branch;
    return drop_path(branch, drop_path_, context.next_key(Purpose::drop_path));
  }

  std::string name_;
  std::int64_t heads_, width_;
  double scale_, drop_path_;
  Pointwise norm1_;
  Linear qkv_, proj_;
  Pointwise norm2_;
  Linear fc1_;
  Pointwise act1_;
  Linear fc2_;
  Pointwise act2_;
};

VitConfig vit_cifar_config(std::int64_t img_size) {
  constexpr std::int64_t kPatches = 8;  // per side
  if (img_size % kPatches != 0) {
    fail(ErrorCode::usage,
         "--img-size: {} is not a multiple of the {} patches per side of the ViT. Use e.g. {}", img_size,
         kPatches, (img_size / kPatches + 1) * kPatches);
  }
  VitConfig config;
  config.img_size = img_size;
  config.patch = img_size / kPatches;
  config.depth = 7;
  config.width = config.mlp = 384;
  config.heads = 12;
  config.scale_by_width = config.act_after_fc2 = true;
  config.linear_init = LinearInit::framework;
  config.token_sigma = 1;
  return config;
}

Vit::Vit(const VitConfig& config) : config_(config) {
  const std::int64_t side = config.img_size / config.patch;
  if (side < 1 || config.img_size % config.patch != 0) {
    fail(ErrorCode::usage, "--img-size: {} is not a multiple of the ViT's {}-pixel patches. Use e.g. {}",
         config.img_size, config.patch, (side + 1) * config.patch);
  }
  const Scope root{store_, ""};
  tokens_ = side * side;
  patch_embed_ = std::make_unique<Linear>(root / "patch_embed" / "proj", config.patch * config.patch * 3,
                                          config.width, LinearInit::framework);
  const Initializer init = normal_init(config.token_sigma);
  cls_token_ = &root.parameter("cls_token", {1, 1, config.width}, ParameterGroup::no_decay, init);
  pos_embed_ = &root.parameter("pos_embed", {1, 1 + tokens_, config.width}, ParameterGroup::no_decay, init);
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const double rate =
        config.depth > 1 ? config.drop_path * static_cast<double>(i) / static_cast<double>(config.depth - 1)
                         : 0;
    blocks_.push_back(std::make_unique<Block>(root / "blocks" / std::to_string(i), config, rate));
  }
  norm_ = make_norm(root / "norm", config.width, config.norm_act);
  head_ = std::make_unique<Linear>(root / "head", config.width, config.num_classes, config.linear_init);
}

Variable Vit::forward(const Variable& images, Context& context) const {
  const std::int64_t width = config_.width;
  Variable x = patchify(images, config_.patch);  // (N,H,W,3) -> (N,T,3PP)
  x = (*patch_embed_)(x, context);               // -> (N,T,D)
  x = embed_tokens(x, view(cls_token_->variable, {width}), view(pos_embed_->variable, {1 + tokens_, width}));
  context.record({"pos_embed", "Embedding", x.shape(), (2 + tokens_) * width, 0});  // (N,1+T,D)
  for (const auto& block : blocks_) x = (*block)(x, context);
  x = norm_(select_token(x, 0), context);  // (N,1+T,D) -> (N,D)
  if (config_.drop > 0 && context.training) x = dropout(x, config_.drop, context.next_key(Purpose::dropout));
  return (*head_)(x, context);  // (N,D) -> (N,classes)
}

VitConfig vit_config(std::int64_t width, std::int64_t img_size) {
  VitConfig config;
  config.img_size = img_size;
  config.width = width;
  config.heads = width / 64;
  config.mlp = 4 * width;
  return config;
}

/// `shape_for` gives the shape of the network for an image size.
template <class ShapeFor>
Architecture architecture(const ShapeFor& shape_for) {
  Architecture out;
  out.build = [=](const ModelConfig& config, const NormActConfig& pair) {
    VitConfig full = shape_for(config.img_size);
    full.num_classes = config.num_classes;
    full.norm_act = pair;
    full.drop_path = config.drop_path;
    full.drop = config.drop;
    return std::make_unique<Vit>(full);
  };
  out.settings = {"--drop-path", "--drop"};
  out.transformer = true;
  return out;
}

}  // namespace

Architecture vit(std::int64_t width) {
  Architecture out = architecture([=](std::int64_t img_size) { return vit_config(width, img_size); });
  out.norm_act.layer_norm_eps = 1e-6;
  return out;
}

Architecture vit_cifar() { return architecture(vit_cifar_config); }

}  // namespace salu
