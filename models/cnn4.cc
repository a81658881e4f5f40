// SPDX-License-Identifier: MIT
#include "models/cnn4.h"

namespace salu {
namespace {

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

Cnn4::Cnn4(std::int64_t img_size, std::int64_t num_classes, const NormActConfig& norm_act,
           WeightInit weight_init) {
  if (img_size < 4)
    fail(ErrorCode::usage, "--img-size: {} is too small for cnn4; expected at least 4", img_size);
  const Scope root{store_, ""};
  const std::int64_t side = img_size / 2 / 2;
  conv1_ = std::make_unique<Conv2d>(root / "conv1", 3, 32, 3, Conv2dOptions{1, 1}, weight_init);
  act1_ = std::make_unique<NormAct>(root / "norm1", root / "act1", 32, norm_act);
  conv2_ = std::make_unique<Conv2d>(root / "conv2", 32, 64, 3, Conv2dOptions{1, 1}, weight_init);
  act2_ = std::make_unique<NormAct>(root / "norm2", root / "act2", 64, norm_act);
  fc1_ = std::make_unique<Linear>(root / "fc1", side * side * 64, 128, LinearInit::framework);
  act3_ = std::make_unique<NormAct>(root / "norm3", root / "act3", 128, norm_act);
  fc2_ = std::make_unique<Linear>(root / "fc2", 128, num_classes, LinearInit::framework);
}

Variable Cnn4::forward(const Variable& images, Context& context) const {
  Variable x =
      max_pool2d((*act1_)((*conv1_)(images, context), context), {2, 2, 0});  // (N,H,W,3) -> (N,H/2,W/2,32)
  x = max_pool2d((*act2_)((*conv2_)(x, context), context), {2, 2, 0});       // -> (N,H/4,W/4,64)
  x = view(x, {x.dim(0), x.dim(1) * x.dim(2) * x.dim(3)});                   // -> (N,H/4 W/4 64)
  x = (*act3_)((*fc1_)(x, context), context);                                // -> (N,128)
  return (*fc2_)(x, context);                                                // -> (N,classes)
}

}  // namespace

Architecture cnn4() {
  return {.build =
              [](const ModelConfig& config, const NormActConfig& pair) {
                return std::make_unique<Cnn4>(config.img_size, config.num_classes, pair,
                                              weight_init_of(*config.weight_init));
              },
          .settings = {"--weight-init"}};
}

}  // namespace salu
