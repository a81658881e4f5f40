// SPDX-License-Identifier: MIT
#pragma once

#include "layers/linear_layers.h"
#include "models/model.h"

namespace salu {

/// The four-layer network of the paper's Appendix A, where the motion of PReLU's slope shows what a norm does
/// to it: conv3x3(32) -> norm -> act -> pool 2 -> conv3x3(64) -> norm -> act -> pool 2 -> fc(128) -> norm ->
/// act -> fc. Convolutions are padded by 1; the input of fc1 is flattened in (row, col, channel) order.
class Cnn4 : public Model {
 public:
  Cnn4(std::int64_t img_size, std::int64_t num_classes, const NormActConfig& norm_act,
       WeightInit weight_init);
  Variable forward(const Variable& images, Context& context) const override;
  const char* head_name() const override { return "fc2"; }

 private:
  std::unique_ptr<Conv2d> conv1_, conv2_;
  std::unique_ptr<NormAct> act1_, act2_, act3_;
  std::unique_ptr<Linear> fc1_, fc2_;
};

}  // namespace salu
