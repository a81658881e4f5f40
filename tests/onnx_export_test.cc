// SPDX-License-Identifier: MIT
/// The errors of the exporter. onnx_test.py compares its files with another runtime's results.
#include "run/interchange/onnx_export.h"

#include "autograd/functions.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

/// No network of ours ends in a softmax.
class Odd : public Model {
 public:
  Odd() { store_.allocate(1); }
  Variable forward(const Variable& images, Context&) const override {
    return softmax(global_avg_pool(images));
  }
};

TEST_CASE("an op without ONNX operators is named") {
  ModelCard card;
  card.model.num_classes = 3;
  card.model.img_size = 4;
  CHECK(
      error_of([&] { onnx_model(Odd(), card, 1); }) ==
      "1: [onnx] softmax: no ONNX operators are known for it; expected an op of run/interchange/onnx_ops.cc");
}

}  // namespace
}  // namespace salu::test
