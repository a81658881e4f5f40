// SPDX-License-Identifier: MIT
/// Learns XOR with eight hidden units and prints the four answers.
#include "layers/layers.h"
#include "train/optimizer.h"
using namespace salu;

int main() {
  ParameterStore store;
  const Linear hidden({store, "hidden"}, 2, 8, LinearInit::framework);
  const Linear out({store, "out"}, 8, 1, LinearInit::framework);
  store.allocate(/*seed=*/1);
  Optimizer optimizer(store, {.kind = OptimizerKind::adam, .weight_decay = 0});
  optimizer.set_lr(0.05);
  const Variable x(Tensor::from<float>({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}));
  const Tensor answers = Tensor::from<float>({4, 1}, {0, 1, 1, 0});
  for (Context context; context.step < 300; ++context.step) {
    const Variable logits = out(swish(hidden(x, context)), context);  // (4,2) -> (4,8) -> (4,1)
    const Variable loss = bce_with_logits(logits, answers);
    store.gradients().fill(0);
    backward(loss);
    optimizer.step(loss.value());
    if (context.step < 299) continue;
    for (const float z : logits.value().values<float>()) fmt::print("{:.3f}\n", 1 / (1 + std::exp(-z)));
  }
}
