// SPDX-License-Identifier: MIT
#include "models/vit_cifar.h"

namespace salu {
namespace {

/// norm(x), or x itself for Norm::none.
Variable normalized(const std::unique_ptr<Pointwise>& norm, const Variable& x, Context& context) {
  return norm ? (*norm)(x, context) : x;
}

}  // namespace

/// x + attention(norm(x)), then x + mlp(norm(x)).
class VitCifar::Block {
 public:
  Block(const Scope& scope, const VitConfig& config, double drop_path_rate)
      : name_(scope.prefix),
        heads_(config.heads),
        width_(config.width),
        drop_path_(drop_path_rate),
        norm1_(make_norm(scope / "norm1", config.width, config.norm_act)),
        qkv_(scope / "attn" / "qkv", config.width, 3 * config.width, LinearInit::framework),
        proj_(scope / "attn" / "proj", config.width, config.width, LinearInit::framework),
        norm2_(make_norm(scope / "norm2", config.width, config.norm_act)),
        fc1_(scope / "mlp" / "fc1", config.width, config.mlp, LinearInit::framework),
        act1_(make_act(scope / "mlp" / "act1", config.norm_act)),
        fc2_(scope / "mlp" / "fc2", config.mlp, config.width, LinearInit::framework),
        act2_(make_act(scope / "mlp" / "act2", config.norm_act)) {}

  Variable operator()(const Variable& x, Context& context) const {
    Variable y = qkv_(normalized(norm1_, x, context), context);              // (B,T,D) -> (B,T,3D)
    y = attention(y, heads_, 1.0 / std::sqrt(static_cast<double>(width_)));  // -> (B,T,D)
    const std::int64_t tokens = y.dim(1);
    context.record({name_ + ".attn", "Attention", y.shape(), 0, y.dim(0) * 2 * tokens * tokens * width_});
    const Variable z = add(x, dropped(proj_(y, context), context));
    y = (*act1_)(fc1_(normalized(norm2_, z, context), context), context);  // (B,T,D) -> (B,T,M)
    y = (*act2_)(fc2_(y, context), context);                               // (B,T,M) -> (B,T,D)
    return add(z, dropped(y, context));
  }

 private:
  Variable dropped(const Variable& branch, Context& context) const {
    if (drop_path_ == 0 || !context.training) return branch;
    return drop_path(branch, drop_path_, context.next_key(Purpose::drop_path));
  }

  std::string name_;
  std::int64_t heads_, width_;
  double drop_path_;
  std::unique_ptr<Pointwise> norm1_;
  Linear qkv_, proj_;
  std::unique_ptr<Pointwise> norm2_;
  Linear fc1_;
  std::unique_ptr<Pointwise> act1_;
  Linear fc2_;
  std::unique_ptr<Pointwise> act2_;
};

VitCifar::VitCifar(const VitConfig& config) : config_(config) {
  if (config.img_size % config.patches != 0) {
    fail(ErrorCode::usage,
         "--img-size: {} is not a multiple of the {} patches per side of the ViT. Use e.g. {}",
         config.img_size, config.patches, (config.img_size / config.patches + 1) * config.patches);
  }
  const Scope root{store_, ""};
  const std::int64_t patch = config.img_size / config.patches, tokens = config.patches * config.patches;
  patch_embed_ = std::make_unique<Linear>(root / "patch_embed" / "proj", patch * patch * 3, config.width,
                                          LinearInit::framework);
  // Drawn from N(0, 1), as the benchmark does; timm uses 0.02.
  cls_token_ = &root.parameter("cls_token", {1, 1, config.width}, ParameterGroup::no_decay, normal_init(1));
  pos_embed_ =
      &root.parameter("pos_embed", {1, 1 + tokens, config.width}, ParameterGroup::no_decay, normal_init(1));
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const double rate =
        config.depth > 1 ? config.drop_path * static_cast<double>(i) / static_cast<double>(config.depth - 1)
                         : 0;
    blocks_.push_back(std::make_unique<Block>(root / "blocks" / std::to_string(i), config, rate));
  }
  norm_ = make_norm(root / "norm", config.width, config.norm_act);
  head_ = std::make_unique<Linear>(root / "head", config.width, config.num_classes, LinearInit::framework);
}

VitCifar::~VitCifar() = default;

Variable VitCifar::forward(const Variable& images, Context& context) const {
  const std::int64_t width = config_.width, tokens = config_.patches * config_.patches;
  Variable x = patchify(images, config_.img_size / config_.patches);  // (N,H,W,3) -> (N,T,48)
  x = (*patch_embed_)(x, context);                                    // -> (N,T,D)
  x = embed_tokens(x, view(cls_token_->variable, {width}), view(pos_embed_->variable, {1 + tokens, width}));
  context.record({"pos_embed", "Embedding", x.shape(), (2 + tokens) * width, 0});  // (N,1+T,D)
  for (const auto& block : blocks_) x = (*block)(x, context);
  x = normalized(norm_, select_token(x, 0), context);  // (N,1+T,D) -> (N,D)
  if (config_.drop > 0 && context.training) x = dropout(x, config_.drop, context.next_key(Purpose::dropout));
  return (*head_)(x, context);  // (N,D) -> (N,classes)
}

}  // namespace salu
