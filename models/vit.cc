// SPDX-License-Identifier: MIT
#include "models/vit.h"

namespace salu {
namespace {

/// Properties that follow from the network's name.
struct VitShape {
  std::int64_t patch = 16;  ///< side of a patch, in pixels
  std::int64_t depth = 12;
  std::int64_t width = 192;
  std::int64_t heads = 3;
  std::int64_t mlp = 768;
  bool scale_by_width = false;  ///< scales attention by 1/sqrt(width) instead of the head's
  bool act_after_fc2 = false;   ///< a second activation in the MLP
  LinearInit linear_init = LinearInit::transformer;
  double token_sigma = 0.02;  ///< initial spread of the class token and the positions
};

class Vit : public Model {
 public:
  Vit(const VitShape& shape, const ModelConfig& config, const NormActConfig& pair);
  Variable forward(const Variable& images, Context& context) const override;
  const char* head_name() const override { return "head"; }

 private:
  class Block;
  VitShape shape_;
  double drop_;
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
  Block(const Scope& scope, const VitShape& shape, const NormActConfig& pair, double drop_path_rate)
      : name_(scope.prefix),
        heads_(shape.heads),
        width_(shape.width),
        scale_(1 / std::sqrt(
                       static_cast<double>(shape.scale_by_width ? shape.width : shape.width / shape.heads))),
        drop_path_(drop_path_rate),
        norm1_(make_norm(scope / "norm1", shape.width, pair)),
        qkv_(scope / "attn" / "qkv", shape.width, 3 * shape.width, shape.linear_init),
        proj_(scope / "attn" / "proj", shape.width, shape.width, shape.linear_init),
        norm2_(make_norm(scope / "norm2", shape.width, pair)),
        fc1_(scope / "mlp" / "fc1", shape.width, shape.mlp, shape.linear_init),
        act1_(make_act(scope / "mlp" / "act1", pair)),
        fc2_(scope / "mlp" / "fc2", shape.mlp, shape.width, shape.linear_init),
        act2_(shape.act_after_fc2 ? make_act(scope / "mlp" / "act2", pair) : Pointwise{}) {}

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

VitShape vit_cifar_shape(std::int64_t img_size) {
  constexpr std::int64_t kPatches = 8;  // per side
  if (img_size % kPatches != 0) {
    fail(ErrorCode::usage,
         "--img-size: {} is not a multiple of the {} patches per side of the ViT. Use e.g. {}", img_size,
         kPatches, (img_size / kPatches + 1) * kPatches);
  }
  VitShape shape;
  shape.patch = img_size / kPatches;
  shape.depth = 7;
  shape.width = shape.mlp = 384;
  shape.heads = 12;
  shape.scale_by_width = shape.act_after_fc2 = true;
  shape.linear_init = LinearInit::framework;
  shape.token_sigma = 1;
  return shape;
}

Vit::Vit(const VitShape& shape, const ModelConfig& config, const NormActConfig& pair)
    : shape_(shape), drop_(config.drop) {
  const std::int64_t side = config.img_size / shape.patch;
  if (side < 1 || config.img_size % shape.patch != 0) {
    fail(ErrorCode::usage, "--img-size: {} is not a multiple of the ViT's {}-pixel patches. Use e.g. {}",
         config.img_size, shape.patch, (side + 1) * shape.patch);
  }
  const Scope root{store_, ""};
  tokens_ = side * side;
  patch_embed_ = std::make_unique<Linear>(root / "patch_embed" / "proj", shape.patch * shape.patch * 3,
                                          shape.width, LinearInit::framework);
  const Initializer init = normal_init(shape.token_sigma);
  cls_token_ = &root.parameter("cls_token", {1, 1, shape.width}, ParameterGroup::no_decay, init);
  pos_embed_ = &root.parameter("pos_embed", {1, 1 + tokens_, shape.width}, ParameterGroup::no_decay, init);
  for (std::int64_t i = 0; i < shape.depth; ++i) {
    const double rate = shape.depth > 1
                            ? config.drop_path * static_cast<double>(i) / static_cast<double>(shape.depth - 1)
                            : 0;
    blocks_.push_back(std::make_unique<Block>(root / "blocks" / std::to_string(i), shape, pair, rate));
  }
  norm_ = make_norm(root / "norm", shape.width, pair);
  head_ = std::make_unique<Linear>(root / "head", shape.width, config.num_classes, shape.linear_init);
}

Variable Vit::forward(const Variable& images, Context& context) const {
  const std::int64_t width = shape_.width;
  Variable x = patchify(images, shape_.patch);  // (N,H,W,3) -> (N,T,3PP)
  x = (*patch_embed_)(x, context);              // -> (N,T,D)
  x = embed_tokens(x, view(cls_token_->variable, {width}), view(pos_embed_->variable, {1 + tokens_, width}));
  context.record({"pos_embed", "Embedding", x.shape(), (2 + tokens_) * width, 0});  // (N,1+T,D)
  for (const auto& block : blocks_) x = (*block)(x, context);
  x = norm_(select_token(x, 0), context);  // (N,1+T,D) -> (N,D)
  if (drop_ > 0 && context.training) x = dropout(x, drop_, context.next_key(Purpose::dropout));
  return (*head_)(x, context);  // (N,D) -> (N,classes)
}

/// `shape_for` gives the shape of the network for an image size.
template <class ShapeFor>
Architecture architecture(const ShapeFor& shape_for) {
  Architecture out;
  out.build = [=](const ModelConfig& config, const NormActConfig& pair) {
    return std::make_unique<Vit>(shape_for(config.img_size), config, pair);
  };
  out.settings = {"--drop-path", "--drop"};
  out.transformer = true;
  return out;
}

}  // namespace

Architecture vit(std::int64_t width) {
  const VitShape shape{.width = width, .heads = width / 64, .mlp = 4 * width};
  Architecture out = architecture([=](std::int64_t) { return shape; });
  out.norm_act.layer_norm_eps = 1e-6;
  return out;
}

Architecture vit_cifar() { return architecture(vit_cifar_shape); }

}  // namespace salu
