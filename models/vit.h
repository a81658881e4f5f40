// SPDX-License-Identifier: MIT
#pragma once

#include "layers/linear_layers.h"
#include "models/model.h"

namespace salu {

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

/// The transformer of the ViT-CIFAR benchmark (omihub777/ViT-CIFAR), from which the paper takes its own: 8x8
/// patches, attention scaled by 1/sqrt(width), an MLP no wider than the rest with an activation behind both
/// of its layers, tokens drawn from N(0, 1).
VitConfig vit_cifar_config(std::int64_t img_size);

/// The vision transformer (Dosovitskiy et al. 2021): class token, learnt positions, pre-norm blocks, norm on
/// the class token, linear head. Parameter names are timm's.
class Vit : public Model {
 public:
  explicit Vit(const VitConfig& config);
  ~Vit() override;
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

}  // namespace salu
