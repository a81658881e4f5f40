// SPDX-License-Identifier: MIT
#pragma once

#include "layers/linear_layers.h"
#include "models/model.h"

namespace salu {

struct VitConfig {
  std::int64_t img_size = 32;
  std::int64_t patches = 8;  ///< per side
  std::int64_t depth = 7;
  std::int64_t width = 384;
  std::int64_t heads = 12;
  std::int64_t mlp = 384;  ///< not four times the width
  std::int64_t num_classes = 10;
  NormActConfig norm_act;
  double drop_path = 0;
  double drop = 0;
};

/// The vision transformer of the ViT-CIFAR benchmark (omihub777/ViT-CIFAR), from which the paper takes its
/// transformer: class token, pre-norm blocks, attention scaled by 1/sqrt(width) (not of the head), an
/// activation behind both linear layers of the MLP, norm on the class token, linear head. Parameter names are
/// timm's.
class VitCifar : public Model {
 public:
  explicit VitCifar(const VitConfig& config);
  ~VitCifar() override;
  Variable forward(const Variable& images, Context& context) const override;

 private:
  class Block;
  VitConfig config_;
  std::unique_ptr<Linear> patch_embed_;
  Parameter *cls_token_, *pos_embed_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<Pointwise> norm_;
  std::unique_ptr<Linear> head_;
};

}  // namespace salu
