// SPDX-License-Identifier: MIT
#pragma once

#include "layers/linear_layers.h"
#include "models/model.h"

namespace salu {

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

/// Residual network (He et al. 2016, stride on the 3x3 of a bottleneck as in torchvision), with any norm and
/// activation: conv -> norm -> act -> conv -> norm -> (+ skip) -> act. Names are torchvision's, `bn1` being
/// `norm1` unless the norm is batch norm, and activations `act1`, `act2`, ….
class Resnet : public Model {
 public:
  explicit Resnet(const ResnetConfig& config);
  ~Resnet() override;
  Variable forward(const Variable& images, Context& context) const override;

 private:
  class Block;
  ResnetConfig config_;
  std::unique_ptr<Conv2d> stem_;
  std::unique_ptr<NormAct> stem_act_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<Linear> fc_;
};

}  // namespace salu
